#pragma once

#include <ostream>
#include <string>

namespace slipway::app::cli {

// "[=====>   ] 49%", as the Glance client draws it. `percent` is cut to 0 to 100.
std::string progress_line(int percent);

// One such line, redrawn in place. Draws nothing where nobody watches.
class ProgressBar {
public:
    // `out` must outlive this.
    ProgressBar(std::ostream& out, bool visible) : out_(out), visible_(visible) {}

    void show(int percent);
    // Ends the line, if one was begun.
    void finish();

private:
    std::ostream& out_;
    bool visible_;
    int shown_ = -1;
};

}  // namespace slipway::app::cli
