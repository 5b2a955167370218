//! Percent-encodes an id for a path.

/// An id as a segment of a path (RFC 3986 §2.3).
pub(crate) fn path_segment(id: &str) -> String {
    let mut segment = String::new();
    for byte in id.bytes() {
        match byte {
            b'a'..=b'z' | b'A'..=b'Z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => {
                segment.push(char::from(byte))
            }
            _ => segment.push_str(&format!("%{byte:02X}")),
        }
    }
    segment
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reserved_and_non_ascii_characters_are_encoded() {
        for (id, expected) in [
            ("ds_1-a.b~c", "ds_1-a.b~c"),
            ("Our shop?", "Our%20shop%3F"),
            ("größe%", "gr%C3%B6%C3%9Fe%25"),
        ] {
            assert_eq!(path_segment(id), expected);
        }
    }
}
