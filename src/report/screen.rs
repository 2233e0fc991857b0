//! The terminal of the live lines. One that was closed takes nothing any more, and the run does not depend on it: the
//! library that draws would panic.

use console::Term;
use indicatif::{ProgressDrawTarget, TermLike};
use std::io::Result;

#[derive(Debug)]
struct Screen(Term);

/// The terminal that stderr is, drawn at most `hz` times a second.
pub(super) fn on_stderr(hz: u8) -> ProgressDrawTarget {
    ProgressDrawTarget::term_like_with_hz(Box::new(Screen(Term::buffered_stderr())), hz)
}

impl TermLike for Screen {
    fn width(&self) -> u16 {
        self.0.size().1
    }

    fn height(&self) -> u16 {
        self.0.size().0
    }

    fn move_cursor_up(&self, lines: usize) -> Result<()> {
        let _ = self.0.move_cursor_up(lines);
        Ok(())
    }

    fn move_cursor_down(&self, lines: usize) -> Result<()> {
        let _ = self.0.move_cursor_down(lines);
        Ok(())
    }

    fn move_cursor_right(&self, columns: usize) -> Result<()> {
        let _ = self.0.move_cursor_right(columns);
        Ok(())
    }

    fn move_cursor_left(&self, columns: usize) -> Result<()> {
        let _ = self.0.move_cursor_left(columns);
        Ok(())
    }

    fn write_line(&self, text: &str) -> Result<()> {
        let _ = self.0.write_line(text);
        Ok(())
    }

    fn write_str(&self, text: &str) -> Result<()> {
        let _ = self.0.write_str(text);
        Ok(())
    }

    fn clear_line(&self) -> Result<()> {
        let _ = self.0.clear_line();
        Ok(())
    }

    fn flush(&self) -> Result<()> {
        let _ = self.0.flush();
        Ok(())
    }
}
