//! The front of a Debian package: all that its name and version need.

use std::fs::File;
use std::io::{self, Read};

/// The first two members of a `.deb`: the version of the format, and the control part. The files follow behind.
///
/// Spec: deb(5), ar(5): a magic line, then members with headers of 60 bytes, padded to even length.
///
/// # Errors
/// [`io::ErrorKind::InvalidData`] when it is no Debian package.
pub fn control_part(path: &str) -> io::Result<Vec<u8>> {
    let no_package = || io::Error::new(io::ErrorKind::InvalidData, "it is no Debian package");
    let mut file = File::open(path)?;
    let mut part = vec![0; 8];
    file.read_exact(&mut part).map_err(|_| no_package())?;
    if part != b"!<arch>\n" {
        return Err(no_package());
    }
    for _ in 0..2 {
        let mut header = [0; 60];
        file.read_exact(&mut header).map_err(|_| no_package())?;
        let size = std::str::from_utf8(&header[48..58]).ok().and_then(|size| size.trim().parse::<u64>().ok());
        // Control parts are some kilobytes; a header that says otherwise is broken.
        let size = size.filter(|size| *size < 16 << 20).ok_or_else(no_package)?;
        part.extend_from_slice(&header);
        let padded = size + size % 2;
        if file.by_ref().take(padded).read_to_end(&mut part)? as u64 != padded {
            return Err(no_package());
        }
    }
    Ok(part)
}
