//! Descriptors that go along with the helper's words: the listener that a program's own network has.

use std::io;
#[cfg(target_os = "linux")]
use std::io::{IoSlice, IoSliceMut};
#[cfg(target_os = "linux")]
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, OwnedFd};

#[cfg(target_os = "linux")]
use rustix::net::{
    RecvAncillaryBuffer, RecvAncillaryMessage, RecvFlags, SendAncillaryBuffer,
    SendAncillaryMessage, SendFlags, recvmsg, sendmsg,
};

/// Sends a text, with a descriptor where there is one.
#[cfg(target_os = "linux")]
pub(crate) fn send(socket: impl AsFd, text: &[u8], listener: Option<&OwnedFd>) -> io::Result<()> {
    let mut sent = 0;
    while sent < text.len() {
        let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
        let mut ancillary = SendAncillaryBuffer::new(&mut space);
        let handed = listener.filter(|_| sent == 0).map(AsFd::as_fd);
        if !handed
            .is_none_or(|_| ancillary.push(SendAncillaryMessage::ScmRights(handed.as_slice())))
        {
            return Err(io::ErrorKind::InvalidInput.into());
        }
        let rest = [IoSlice::new(&text[sent..])];
        match sendmsg(&socket, &rest, &mut ancillary, SendFlags::NOSIGNAL) {
            Ok(count) => sent += count,
            Err(rustix::io::Errno::INTR) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(())
}

/// Receives a part of a text, and the descriptor that came with it. 0 bytes are its end.
///
/// # Errors
///
/// The socket cannot be read, or has nothing yet and does not wait.
#[cfg(target_os = "linux")]
pub fn receive(socket: impl AsFd, part: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    let mut space = [MaybeUninit::uninit(); rustix::cmsg_space!(ScmRights(1))];
    let mut ancillary = RecvAncillaryBuffer::new(&mut space);
    let mut parts = [IoSliceMut::new(part)];
    let received = loop {
        match recvmsg(&socket, &mut parts, &mut ancillary, RecvFlags::CMSG_CLOEXEC) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other?,
        }
    };
    let mut handed = None;
    for message in ancillary.drain() {
        if let RecvAncillaryMessage::ScmRights(mut descriptors) = message {
            handed = descriptors.next();
        }
    }
    Ok((received.bytes, handed))
}

/// Nothing is contained here, so that nothing is received.
///
/// # Errors
///
/// Always.
#[cfg(not(target_os = "linux"))]
pub fn receive(_: impl AsFd, _: &mut [u8]) -> io::Result<(usize, Option<OwnedFd>)> {
    Err(io::ErrorKind::Unsupported.into())
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    #![allow(clippy::unwrap_used)]
    use std::net::{TcpListener, TcpStream};
    use std::os::unix::net::UnixStream;

    use super::*;

    #[test]
    fn a_listener_comes_with_the_words_that_it_was_sent_with() {
        let (one, other) = UnixStream::pair().unwrap();
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let at = listener.local_addr().unwrap();
        send(&one, b"first\n", None).unwrap();
        send(&one, b"second\n", Some(&listener.into())).unwrap();
        send(&one, b"third\n", None).unwrap();
        drop(one);
        let mut part = [0; 64];
        let (mut text, mut handed) = (Vec::new(), Vec::new());
        loop {
            let (length, listener) = receive(&other, &mut part).unwrap();
            handed.extend(listener);
            if length == 0 {
                break;
            }
            text.extend_from_slice(&part[..length]);
        }
        assert_eq!(text, b"first\nsecond\nthird\n");
        assert_eq!(handed.len(), 1);
        let listener = TcpListener::from(handed.remove(0));
        let _client = TcpStream::connect(at).unwrap();
        listener.accept().unwrap();
    }
}
