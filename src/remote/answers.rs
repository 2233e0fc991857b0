//! Takes the answers to a request out of stdout and stderr.

use super::Output;
use super::frame::OPEN;

/// A command wrote more than this: kept out of memory.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct TooMuch;

/// What a shell says of itself.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Greeting {
    /// Its process number, as its host counts.
    pub pid: Option<u32>,
    /// Its user number.
    pub uid: Option<u32>,
}

/// The answers so far.
pub(super) struct Answers {
    pub stdout: Collector,
    pub stderr: Collector,
    /// The stdout of each command that ended, and its status.
    outs: Vec<(Vec<u8>, i32)>,
    errs: Vec<Vec<u8>>,
    pub greeting: Option<Greeting>,
    /// What came on stdout before the hello: banners, noise of a login script, words of the launch script.
    pub before: Vec<u8>,
    started: bool,
    ended: (bool, bool),
}

impl Answers {
    pub fn new(mark: &str, limit: usize) -> Self {
        Self {
            stdout: Collector::new(mark, limit),
            stderr: Collector::new(mark, limit),
            outs: Vec::new(),
            errs: Vec::new(),
            greeting: None,
            before: Vec::new(),
            started: false,
            ended: (false, false),
        }
    }

    /// Sorts what was read since the last call.
    pub fn sort(&mut self) -> Result<(), TooMuch> {
        while let Some(frame) = self.stdout.next_frame()? {
            match frame.tag.as_str() {
                "h" => {
                    self.before = frame.before;
                    self.greeting = Some(greeting(&frame.text));
                }
                "s" => self.started = true,
                "e" => self.ended.0 = true,
                _ => self.outs.push((frame.before, frame.text.parse().unwrap_or(255))),
            }
        }
        while let Some(frame) = self.stderr.next_frame()? {
            match frame.tag.as_str() {
                "h" | "s" => {}
                "e" => self.ended.1 = true,
                _ => self.errs.push(frame.before),
            }
        }
        Ok(())
    }

    /// How many commands ended; the number of the one that runs.
    pub fn answered(&self) -> usize {
        self.outs.len()
    }

    /// True once the first command may run.
    pub fn started(&self) -> bool {
        self.started
    }

    pub fn complete(&self) -> bool {
        self.ended == (true, true)
    }

    pub fn into_outputs(self) -> Vec<Output> {
        let output = |((stdout, code), stderr)| Output { stdout, stderr, code };
        self.outs.into_iter().zip(self.errs).map(output).collect()
    }
}

fn greeting(text: &str) -> Greeting {
    let mut numbers = text.split(' ').map(|number| number.parse().ok());
    Greeting { pid: numbers.next().flatten(), uid: numbers.next().flatten() }
}

#[derive(Debug, PartialEq, Eq)]
pub(super) struct Frame {
    /// What came since the frame before.
    before: Vec<u8>,
    tag: String,
    text: String,
}

/// Finds the frames of one stream.
pub(super) struct Collector {
    prefix: Vec<u8>,
    /// What was read and belongs to no frame yet.
    pub buffer: Vec<u8>,
    scanned: usize,
    limit: usize,
    /// Nothing before the first frame is an answer: only its end is kept, for error texts.
    framed: bool,
}

/// How much is kept of what comes before the first frame.
const KEPT: usize = 16 * 1024;

impl Collector {
    fn new(mark: &str, limit: usize) -> Self {
        let mut prefix = vec![OPEN];
        prefix.extend_from_slice(mark.as_bytes());
        prefix.push(b':');
        Self { prefix, buffer: Vec::new(), scanned: 0, limit, framed: false }
    }

    /// Makes room for the next read: little for small answers, more the more there is.
    pub fn space(&mut self) -> &mut Vec<u8> {
        self.buffer.reserve(self.buffer.len().clamp(4096, 1 << 20));
        &mut self.buffer
    }

    fn next_frame(&mut self) -> Result<Option<Frame>, TooMuch> {
        let Some(at) = self.find() else {
            if !self.framed && self.buffer.len() > 4 * KEPT {
                self.buffer.drain(..self.buffer.len() - KEPT);
                self.scanned = 0;
            }
            return if self.buffer.len() > self.limit { Err(TooMuch) } else { Ok(None) };
        };
        let text = at + self.prefix.len();
        let Some(end) = self.buffer[text..].iter().position(|&byte| byte == b'\n') else { return Ok(None) };
        let line = String::from_utf8_lossy(&self.buffer[text..text + end]).into_owned();
        let rest = self.buffer.split_off(text + end + 1);
        let mut before = std::mem::replace(&mut self.buffer, rest);
        before.truncate(at);
        self.scanned = 0;
        self.framed = true;
        let (tag, text) = line.split_once(':').unwrap_or((&line, ""));
        Ok(Some(Frame { before, tag: tag.to_owned(), text: text.to_owned() }))
    }

    /// Where the next frame starts; what was looked at is not looked at again.
    fn find(&mut self) -> Option<usize> {
        while let Some(at) = self.buffer[self.scanned..].iter().position(|&byte| byte == OPEN) {
            let at = self.scanned + at;
            let have = &self.buffer[at..];
            self.scanned = at;
            if have.len() < self.prefix.len() {
                return None;
            }
            if have.starts_with(&self.prefix) {
                return Some(at);
            }
            self.scanned = at + 1;
        }
        self.scanned = self.buffer.len();
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fed(chunks: &[&[u8]]) -> Vec<Frame> {
        let mut collector = Collector::new("abcd", 1 << 20);
        let mut frames = Vec::new();
        for chunk in chunks {
            collector.buffer.extend_from_slice(chunk);
            while let Some(frame) = collector.next_frame().expect("below the limit") {
                frames.push(frame);
            }
        }
        frames
    }

    #[test]
    fn a_frame_is_found_wherever_the_stream_is_cut() {
        let stream = b"no\x1eise\x1eabcd:s:\nbytes \x1eabc\x1eabcd:0:17\n\x1eabcd:e:\n";
        let whole = fed(&[stream]);
        assert_eq!(whole[1], Frame { before: b"bytes \x1eabc".to_vec(), tag: "0".into(), text: "17".into() });
        assert_eq!(whole.len(), 3);
        for cut in 1..stream.len() {
            assert_eq!(fed(&[&stream[..cut], &stream[cut..]]), whole, "cut at {cut}");
        }
    }

    #[test]
    fn an_endless_answer_is_refused_and_endless_noise_before_it_is_dropped() {
        let mut collector = Collector::new("abcd", 100_000);
        for _ in 0..100 {
            collector.buffer.extend_from_slice(&[b'x'; 10_000]);
            assert_eq!(collector.next_frame(), Ok(None));
        }
        collector.buffer.extend_from_slice(b"\x1eabcd:s:\n");
        assert!(collector.next_frame().expect("noise does not count").is_some());
        collector.buffer.extend_from_slice(&[b'x'; 100_001]);
        assert_eq!(collector.next_frame(), Err(TooMuch));
    }
}
