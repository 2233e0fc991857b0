//! What an exchange writes: the request, then content as fast as it is taken.

use std::io::Read;

/// What is written: the request, then content as fast as it is taken.
pub(super) struct Feed<'a> {
    request: &'a [u8],
    content: Option<&'a mut (dyn Read + Send + 'a)>,
    chunk: Vec<u8>,
    sent: usize,
}

/// Content is read and sent in pieces of this many bytes.
const CHUNK: usize = 256 * 1024;

impl<'a> Feed<'a> {
    pub fn new(request: &'a [u8], content: Option<&'a mut (dyn Read + Send + 'a)>) -> Self {
        Self { request, content, chunk: Vec::new(), sent: 0 }
    }

    /// True while there is content to come.
    pub fn streams(&self) -> bool {
        self.content.is_some()
    }

    /// What to write next.
    pub fn next_bytes(&self) -> &[u8] {
        if self.request.is_empty() { &self.chunk[self.sent..] } else { self.request }
    }

    /// Notes that some of it was written.
    pub fn advance(&mut self, count: usize) {
        if self.request.is_empty() {
            self.sent += count;
        } else {
            self.request = &self.request[count..];
        }
    }

    /// Nobody reads any more.
    pub fn stop(&mut self) {
        self.request = &[];
        self.chunk.clear();
        self.sent = 0;
        self.content = None;
    }

    /// Reads the next piece of content when the one before is sent; true when it has just come to its end.
    pub fn refill(&mut self) -> std::io::Result<bool> {
        let Some(content) = self.content.as_mut().filter(|_| self.request.is_empty() && self.sent == self.chunk.len())
        else {
            return Ok(false);
        };
        self.chunk.resize(CHUNK, 0);
        self.sent = 0;
        let count = loop {
            match content.read(&mut self.chunk) {
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                read => break read?,
            }
        };
        self.chunk.truncate(count);
        if count == 0 {
            self.content = None;
        }
        Ok(count == 0)
    }
}
