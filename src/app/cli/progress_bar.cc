#include "app/cli/progress_bar.h"

#include <algorithm>

namespace slipway::app::cli {

std::string progress_line(int percent) {
    constexpr int kWidth = 30;
    percent = std::clamp(percent, 0, 100);
    const int done = kWidth * percent / 100;
    std::string line = "[" + std::string(static_cast<std::size_t>(done), '=');
    if (done < kWidth) line += ">" + std::string(static_cast<std::size_t>(kWidth - done - 1), ' ');
    return line + "] " + std::to_string(percent) + "%";
}

void ProgressBar::show(int percent) {
    if (!visible_ || percent == shown_) return;
    out_ << "\r" << progress_line(percent) << std::flush;
    shown_ = percent;
}

void ProgressBar::finish() {
    if (shown_ >= 0) out_ << "\n";
    shown_ = -1;
}

}  // namespace slipway::app::cli
