//! Random bits.

/// Fills a buffer from the generator of the kernel (getrandom(2)), which needs no open file.
pub fn random(bytes: &mut [u8]) {
    getrandom::fill(bytes).expect("every system that this is built for has a generator");
}

/// A random text of these characters, each as likely as the others.
pub fn random_text(length: usize, charset: &[char]) -> String {
    let mut text = String::with_capacity(length);
    // What lies beyond the last whole multiple would make some characters likelier.
    let limit = u32::MAX - u32::MAX % charset.len() as u32;
    while text.chars().count() < length {
        let mut bytes = [0; 4];
        random(&mut bytes);
        let number = u32::from_le_bytes(bytes);
        if number < limit {
            text.push(charset[number as usize % charset.len()]);
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn random_texts_have_the_wanted_length_and_characters() {
        let text = random_text(64, &['a', 'b', 'é']);
        assert_eq!(text.chars().count(), 64);
        assert!(text.chars().all(|c| "abé".contains(c)));
        assert_ne!(random_text(32, &['a', 'b']), random_text(32, &['a', 'b']));
    }
}
