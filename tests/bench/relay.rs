//! A relay that makes a connection longer: each chunk is held back by half of the round trip time in each direction.
//!
//! `relay DELAY_MS LISTEN_PORT=ADDRESS:PORT ..` listens on 127.0.0.1 and forwards; `TCP_NODELAY` is set on both sides,
//! so that it adds no waits of its own. For kernels without netem. Only std: `rustc -O relay.rs`.

use std::io::{Read, Write};
use std::net::{Shutdown, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::{Duration, Instant};

fn main() {
    let words: Vec<String> = std::env::args().skip(1).collect();
    let delay = Duration::from_millis(words[0].parse().expect("DELAY_MS is a number"));
    let listening: Vec<_> = words[1..]
        .iter()
        .map(|route| {
            let (port, to) = route.split_once('=').expect("LISTEN_PORT=ADDRESS:PORT");
            let port: u16 = port.parse().expect("LISTEN_PORT is a number");
            let listener = TcpListener::bind(("127.0.0.1", port)).expect("the port is free");
            let to = to.to_owned();
            thread::spawn(move || listen(&listener, &to, delay))
        })
        .collect();
    println!("listening");
    for thread in listening {
        thread.join().expect("a listener does not end");
    }
}

fn listen(listener: &TcpListener, to: &str, delay: Duration) {
    for near in listener.incoming().flatten() {
        let Ok(far) = TcpStream::connect(to) else { continue };
        for (from, into) in [(&near, &far), (&far, &near)] {
            let _ = from.set_nodelay(true);
            let (from, into) = (from.try_clone().expect("a descriptor"), into.try_clone().expect("a descriptor"));
            let (sender, receiver) = channel();
            thread::spawn(move || receive(from, &sender, delay));
            thread::spawn(move || send(into, &receiver));
        }
    }
}

/// Stamps each chunk with the time at which it may go on; an empty one is the end.
fn receive(mut from: TcpStream, queue: &Sender<(Instant, Vec<u8>)>, delay: Duration) {
    let mut buffer = vec![0; 65536];
    loop {
        let length = from.read(&mut buffer).unwrap_or(0);
        if queue.send((Instant::now() + delay, buffer[..length].to_vec())).is_err() || length == 0 {
            return;
        }
    }
}

fn send(mut into: TcpStream, queue: &Receiver<(Instant, Vec<u8>)>) {
    for (due, chunk) in queue {
        thread::sleep(due.saturating_duration_since(Instant::now()));
        if chunk.is_empty() || into.write_all(&chunk).is_err() {
            let _ = into.shutdown(Shutdown::Write);
            return;
        }
    }
}
