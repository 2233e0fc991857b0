//! One shell at work: writes requests and reads answers, all streams at once.

use super::answers::{Answers, Greeting};
use super::channel::Channel;
use super::frame::Request;
use super::{Interrupt, Output};
use std::io::Read;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until};

/// How an exchange failed.
#[derive(Debug)]
pub(super) enum Failure {
    /// The shell did not say hello in time.
    Silent,
    /// The shell ended before it said hello; what was written until then.
    Refused {
        stdout: Vec<u8>,
        stderr: Vec<u8>,
    },
    /// A command did not end in time.
    Timeout(Duration),
    /// The shell or the connection ended.
    Closed,
    TooMuch,
    Interrupted,
    /// The content to send could not be read.
    Content(std::io::Error),
}

/// What bounds an exchange.
pub(super) struct Limits<'a> {
    /// For the hello of a fresh shell.
    pub hello: Duration,
    /// For a command that has none of its own.
    pub command: Duration,
    /// Bytes that one command may write.
    pub output: usize,
    pub interrupt: &'a Interrupt,
}

/// A shell on a host, and what it said of itself.
pub(super) struct Session {
    channel: Channel,
    /// Which connection of its host carries it.
    pub connection: u64,
    /// Nothing until the first exchange.
    pub greeting: Option<Greeting>,
    /// What stood on stdout before the hello.
    pub preamble: Vec<u8>,
}

/// What is written: the request, then content as fast as it is taken.
struct Feed<'a> {
    request: &'a [u8],
    content: Option<&'a mut (dyn Read + Send + 'a)>,
    chunk: Vec<u8>,
    sent: usize,
}

/// Content is read and sent in pieces of this many bytes.
const CHUNK: usize = 256 * 1024;

impl Feed<'_> {
    fn next_bytes(&self) -> &[u8] {
        if self.request.is_empty() { &self.chunk[self.sent..] } else { self.request }
    }

    fn advance(&mut self, count: usize) {
        if self.request.is_empty() {
            self.sent += count;
        } else {
            self.request = &self.request[count..];
        }
    }

    fn stop(&mut self) {
        self.request = &[];
        self.chunk.clear();
        self.sent = 0;
        self.content = None;
    }

    /// Reads the next piece of content when the one before is sent; true when it has just come to its end.
    fn refill(&mut self) -> std::io::Result<bool> {
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

/// The streams end one after the other: the last answer, or the reason of an end, may still be on its way.
/// A child in the background may hold one of them for ever.
const LAST_WORDS: Duration = Duration::from_millis(500);

struct Open {
    stdout: bool,
    stderr: bool,
}

impl Open {
    fn is_half(&self) -> bool {
        self.stdout != self.stderr
    }

    fn is_closed(&self) -> bool {
        !self.stdout && !self.stderr
    }
}

/// What moved.
enum Moved {
    Wrote(std::io::Result<usize>),
    Out(std::io::Result<usize>),
    Err(std::io::Result<usize>),
    Late,
    Interrupted,
}

impl Session {
    pub fn new(mut channel: Channel, connection: u64) -> Self {
        let preamble = std::mem::take(&mut channel.preamble);
        Self { channel, connection, greeting: None, preamble }
    }

    /// Sends a request and takes its answers.
    pub async fn exchange(&mut self, request: &Request, limits: &Limits<'_>) -> Result<Vec<Output>, Failure> {
        self.converse(request, None, limits).await
    }

    /// Sends a request and, once the shell is ready, the content for its one command. The session is of no use
    /// afterwards.
    pub async fn stream(
        &mut self,
        request: &Request,
        content: &mut (dyn Read + Send),
        limits: &Limits<'_>,
    ) -> Result<Vec<Output>, Failure> {
        self.converse(request, Some(content), limits).await
    }

    async fn converse<'a>(
        &mut self,
        request: &'a Request,
        content: Option<&'a mut (dyn Read + Send + 'a)>,
        limits: &Limits<'_>,
    ) -> Result<Vec<Output>, Failure> {
        let mut answers = Answers::new(&request.mark, limits.output);
        let mut feed = Feed { request: request.script.as_bytes(), content, chunk: Vec::new(), sent: 0 };
        let greeted = self.greeting.is_some();
        let limit = |answers: &Answers| match request.timeouts.get(answers.answered()) {
            _ if !greeted && answers.greeting.is_none() => limits.hello,
            Some(Some(own)) => *own,
            _ => limits.command,
        };
        let mut deadline = Instant::now() + limit(&answers);
        let mut open = Open { stdout: true, stderr: true };
        while !answers.complete() {
            let ready = answers.greeting.is_some() && answers.started();
            let streams = feed.content.is_some();
            if ready && feed.refill().map_err(Failure::Content)? {
                self.channel.stdin = Box::new(tokio::io::sink());
            }
            let before = (answers.answered(), answers.started());
            match self.step(&mut feed, &mut answers, &open, deadline, limits.interrupt).await {
                Moved::Interrupted => return Err(Failure::Interrupted),
                Moved::Late if open.is_half() => return Err(self.closed(answers)),
                Moved::Late if self.greeting.is_none() => return Err(Failure::Silent),
                Moved::Late => return Err(Failure::Timeout(limit(&answers))),
                Moved::Out(Ok(1..)) | Moved::Err(Ok(1..)) => {
                    answers.sort().map_err(|_| Failure::TooMuch)?;
                    self.greeting = self.greeting.or(answers.greeting);
                }
                Moved::Out(_) => open.stdout = false,
                Moved::Err(_) => open.stderr = false,
                // Nobody reads any more; the answers tell why.
                Moved::Wrote(Err(_) | Ok(0)) => feed.stop(),
                Moved::Wrote(Ok(count)) => feed.advance(count),
            }
            if open.is_closed() && !answers.complete() {
                return Err(self.closed(answers));
            }
            if open.is_half() {
                deadline = Instant::now() + LAST_WORDS;
            } else if streams || before != (answers.answered(), answers.started()) {
                deadline = Instant::now() + limit(&answers);
            }
        }
        self.preamble.append(&mut answers.before.0);
        Ok(answers.into_outputs())
    }

    async fn step(
        &mut self,
        feed: &mut Feed<'_>,
        answers: &mut Answers,
        open: &Open,
        deadline: Instant,
        interrupt: &Interrupt,
    ) -> Moved {
        let Channel { stdin, stdout, stderr, .. } = &mut self.channel;
        let bytes = feed.next_bytes();
        tokio::select! {
            count = stdout.read_buf(answers.stdout.space()), if open.stdout => Moved::Out(count),
            count = stderr.read_buf(answers.stderr.space()), if open.stderr => Moved::Err(count),
            count = stdin.write(bytes), if !bytes.is_empty() => Moved::Wrote(count),
            () = sleep_until(deadline) => Moved::Late,
            () = interrupt.raised() => Moved::Interrupted,
        }
    }

    fn closed(&self, answers: Answers) -> Failure {
        if self.greeting.is_some() {
            return Failure::Closed;
        }
        let said = [self.preamble.as_slice(), &answers.stdout.buffer].concat();
        Failure::Refused { stdout: said, stderr: answers.stderr.buffer }
    }
}
