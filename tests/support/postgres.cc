#include "tests/support/postgres.h"

#include "store/db.h"

#include <fcntl.h>
#include <grp.h>
#include <pwd.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <algorithm>
#include <chrono>
#include <csignal>
#include <filesystem>
#include <fstream>
#include <sstream>
#include <stdexcept>
#include <thread>
#include <vector>

namespace slipway::test {

namespace {

namespace fs = std::filesystem;

// Signs that a URL must escape, so that each test of the suite tests that, too.
constexpr const char* kPassword = "p@ss:w/rd%'\\ x";
constexpr const char* kPasswordInUrl = "p%40ss%3Aw%2Frd%25%27%5C%20x";

const passwd* user_of_server() {
    if (::geteuid() != 0) return nullptr;
    const passwd* user = ::getpwnam("postgres");
    if (!user) throw std::runtime_error("there is no user postgres: install postgresql");
    return user;
}

std::string find_program(const std::string& name) {
    std::vector<fs::path> found;
    if (fs::exists("/usr/lib/postgresql"))
        for (const auto& version : fs::directory_iterator("/usr/lib/postgresql"))
            if (fs::exists(version.path() / "bin" / name))
                found.push_back(version.path() / "bin" / name);
    if (found.empty())
        throw std::runtime_error(
            "there is no " + name + " below /usr/lib/postgresql: install postgresql"
        );
    return std::max_element(found.begin(), found.end())->string();
}

[[noreturn]] void become(
    std::vector<std::string> command, const passwd* user, const std::string& log
) {
    const int output = ::open(log.c_str(), O_WRONLY | O_CREAT | O_APPEND, 0644);
    ::dup2(output, 1);
    ::dup2(output, 2);
    if (user && (::setgroups(0, nullptr) != 0 || ::setgid(user->pw_gid) != 0 ||
                 ::setuid(user->pw_uid) != 0))
        ::_exit(126);
    ::prctl(PR_SET_PDEATHSIG, SIGQUIT);
    std::vector<char*> arguments;
    for (std::string& argument : command) arguments.push_back(argument.data());
    arguments.push_back(nullptr);
    ::execv(arguments[0], arguments.data());
    ::_exit(127);
}

pid_t start(const std::vector<std::string>& command, const std::string& log) {
    const passwd* const user = user_of_server();
    const pid_t process = ::fork();
    if (process < 0) throw std::runtime_error("can not fork");
    if (process == 0) become(command, user, log);
    return process;
}

std::string text_of(const std::string& path) {
    std::ostringstream text;
    text << std::ifstream(path).rdbuf();
    return text.str();
}

}  // namespace

PostgresServer& PostgresServer::shared() {
    static PostgresServer server;
    return server;
}

PostgresServer::PostgresServer() {
    const std::string initdb = find_program("initdb");
    const std::string postgres = find_program("postgres");
    std::string name = (fs::temp_directory_path() / "slipway-pg-XXXXXX").string();
    if (!::mkdtemp(name.data())) throw std::runtime_error("can not make a temporary folder");
    folder_ = name;
    try {
        const std::string log = folder_ + "/log";
        std::ofstream(folder_ + "/password") << kPassword << '\n';
        if (const passwd* user = user_of_server())
            if (::chown(folder_.c_str(), user->pw_uid, user->pw_gid) != 0)
                throw std::runtime_error("can not give the folder to the user postgres");
        // A locale that does not sort by bytes: lists must come in one order all the same.
        const pid_t init = start(
            {initdb,
             "--no-sync",
             "-D",
             folder_ + "/data",
             "-U",
             "slipway",
             "--encoding=UTF8",
             "--locale-provider=icu",
             "--icu-locale=en-US",
             "--auth=scram-sha-256",
             "--pwfile=" + folder_ + "/password"},
            log
        );
        int status = 0;
        ::waitpid(init, &status, 0);
        if (status != 0) throw std::runtime_error("initdb failed: " + text_of(log));
        process_ = start(
            {postgres,
             "-D",
             folder_ + "/data",
             "-k",
             folder_,
             "-c",
             "listen_addresses=",
             "-c",
             "fsync=off",
             "-c",
             "shared_buffers=16MB",
             "-c",
             "max_connections=40"},
            log
        );
        wait_until_it_answers();
    } catch (...) {
        stop();
        throw;
    }
}

PostgresServer::~PostgresServer() {
    stop();
}

void PostgresServer::stop() noexcept {
    if (process_ > 0) {
        ::kill(process_, SIGQUIT);
        ::waitpid(process_, nullptr, 0);
    }
    std::error_code ignored;
    fs::remove_all(folder_, ignored);
}

void PostgresServer::wait_until_it_answers() {
    const auto target = store::parse_database_url(url("postgres"), {}).value();
    const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (!store::Db::open(target)) {
        if (::waitpid(process_, nullptr, WNOHANG) != 0 ||
            std::chrono::steady_clock::now() > give_up)
            throw std::runtime_error("PostgreSQL did not start: " + text_of(folder_ + "/log"));
        std::this_thread::sleep_for(std::chrono::milliseconds(50));
    }
}

std::string PostgresServer::url(const std::string& database) const {
    return "postgresql+psycopg2://slipway:" + std::string(kPasswordInUrl) + "@/" + database +
           "?host=" + folder_;
}

std::string PostgresServer::new_database() {
    const std::string name = "catalog_" + std::to_string(++databases_);
    auto db = store::Db::open(store::parse_database_url(url("postgres"), {}).value()).value();
    db->execute("create database " + name).value();
    return url(name);
}

}  // namespace slipway::test
