//! One shell at work: writes requests and reads answers, all streams at once.

use super::answers::{Answers, Greeting, TooMuch};
use super::channel::Channel;
use super::feed::Feed;
use super::frame::Request;
use super::{Interrupt, Output};
use std::io::Read;
use std::time::Duration;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::time::{Instant, sleep_until, timeout};

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
    /// What was answered of the request that failed.
    pub spared: Vec<Output>,
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
        Self { channel, connection, greeting: None, preamble, spared: Vec::new() }
    }

    /// Sends a request and, once the shell is ready, the content for its one command; takes the answers. A
    /// session that streamed content is of no use afterwards.
    pub async fn exchange<'a>(
        &mut self,
        request: &'a Request,
        content: Option<&'a mut (dyn Read + Send + 'a)>,
        limits: &'a Limits<'a>,
    ) -> Result<Vec<Output>, Failure> {
        let mut talk = Talk::new(self, request, content, limits);
        let ended = talk.run().await;
        let mut answers = talk.answers;
        self.preamble.append(&mut answers.before);
        let outputs = answers.into_outputs();
        match ended {
            Ok(()) => Ok(outputs),
            Err(failure) => {
                self.spared = outputs;
                Err(failure)
            }
        }
    }
}

/// One exchange under way.
struct Talk<'s, 'a> {
    session: &'s mut Session,
    request: &'a Request,
    limits: &'a Limits<'a>,
    feed: Feed<'a>,
    answers: Answers,
    open: Open,
    deadline: Instant,
}

/// A moment that comes; what is not limited ends in some decades.
fn after(limit: Duration) -> Instant {
    const LONGEST: Duration = Duration::from_secs(1 << 30);
    Instant::now() + limit.min(LONGEST)
}

impl<'s, 'a> Talk<'s, 'a> {
    fn new(
        session: &'s mut Session,
        request: &'a Request,
        content: Option<&'a mut (dyn Read + Send + 'a)>,
        limits: &'a Limits<'a>,
    ) -> Self {
        let feed = Feed::new(request.script.as_bytes(), content);
        let answers = Answers::new(&request.mark, limits.output);
        let open = Open { stdout: true, stderr: true };
        let mut talk = Self { session, request, limits, feed, answers, open, deadline: Instant::now() };
        talk.deadline = after(talk.limit());
        talk
    }

    async fn run(&mut self) -> Result<(), Failure> {
        while !self.answers.complete() {
            let streams = self.feed.streams();
            if self.answers.greeting.is_some() && self.answers.started() && self.refill()? {
                self.session.channel.stdin = Box::new(tokio::io::sink());
            }
            let before = self.progress();
            match self.step().await {
                Moved::Interrupted => {
                    self.meet().await;
                    return Err(Failure::Interrupted);
                }
                Moved::Late => return Err(self.late()),
                moved => self.take(moved)?,
            }
            if self.open.is_closed() && !self.answers.complete() {
                return Err(self.closed());
            }
            if self.open.is_half() {
                self.deadline = Instant::now() + LAST_WORDS;
            } else if streams || before != self.progress() {
                self.deadline = after(self.limit());
            }
        }
        Ok(())
    }

    /// Takes a hello that is on its way: what runs can only be ended when the shell is known.
    async fn meet(&mut self) {
        let stdout = self.session.channel.stdout.read_buf(self.answers.stdout.space());
        if self.session.greeting.is_none() && timeout(LAST_WORDS, stdout).await.is_ok() {
            let _ = self.answers.sort();
            self.session.greeting = self.answers.greeting;
        }
    }

    /// How long the host may be silent now.
    fn limit(&self) -> Duration {
        match self.request.timeouts.get(self.answers.answered()) {
            _ if self.session.greeting.is_none() => self.limits.hello,
            Some(Some(own)) => *own,
            _ => self.limits.command,
        }
    }

    fn progress(&self) -> (bool, bool, usize) {
        (self.session.greeting.is_some(), self.answers.started(), self.answers.answered())
    }

    fn refill(&mut self) -> Result<bool, Failure> {
        self.feed.refill().map_err(Failure::Content)
    }

    async fn step(&mut self) -> Moved {
        let Channel { stdin, stdout, stderr, .. } = &mut self.session.channel;
        let Answers { stdout: out, stderr: err, .. } = &mut self.answers;
        let bytes = self.feed.next_bytes();
        tokio::select! {
            count = stdout.read_buf(out.space()), if self.open.stdout => Moved::Out(count),
            count = stderr.read_buf(err.space()), if self.open.stderr => Moved::Err(count),
            count = stdin.write(bytes), if !bytes.is_empty() => Moved::Wrote(count),
            () = sleep_until(self.deadline) => Moved::Late,
            () = self.limits.interrupt.raised() => Moved::Interrupted,
        }
    }

    fn take(&mut self, moved: Moved) -> Result<(), Failure> {
        match moved {
            Moved::Out(Ok(1..)) | Moved::Err(Ok(1..)) => {
                self.answers.sort().map_err(|TooMuch| Failure::TooMuch)?;
                self.session.greeting = self.session.greeting.or(self.answers.greeting);
            }
            Moved::Out(_) => self.open.stdout = false,
            Moved::Err(_) => self.open.stderr = false,
            Moved::Wrote(Ok(count @ 1..)) => self.feed.advance(count),
            // Nobody reads any more; the answers tell why.
            _ => self.feed.stop(),
        }
        Ok(())
    }

    fn late(&mut self) -> Failure {
        match self.session.greeting {
            _ if self.open.is_half() => self.closed(),
            None => Failure::Silent,
            Some(_) => Failure::Timeout(self.limit()),
        }
    }

    fn closed(&mut self) -> Failure {
        if self.session.greeting.is_some() {
            return Failure::Closed;
        }
        let stdout = [self.session.preamble.as_slice(), &self.answers.stdout.buffer].concat();
        Failure::Refused { stdout, stderr: std::mem::take(&mut self.answers.stderr.buffer) }
    }
}
