//! The `rhapsode` binary.

fn main() -> rhapsode::cli::failure::Exit {
    rhapsode::cli::main()
}
