//! Ids and names that people and programs give to what is in the catalog.

use crate::error::{Error, Result};

/// Characters of a name at most.
const NAME_CHARACTERS_MAX: usize = 200;

/// Bytes of an id at most.
const ID_BYTES_MAX: usize = 255;

/// Refuses a name that cannot be shown in a line.
pub(crate) fn check_name(what: &str, name: &str) -> Result<()> {
    let wrong = if name.trim().is_empty() {
        "is empty; name it"
    } else if name.chars().count() > NAME_CHARACTERS_MAX {
        "has more than 200 characters; shorten it"
    } else if name.chars().any(char::is_control) {
        "has control characters; leave them out"
    } else {
        return Ok(());
    };
    Err(Error::Argument(format!("the name of the {what} {wrong}")))
}

/// Refuses an id that cannot stand in an address as it is.
pub(crate) fn check_id(what: &str, id: &str) -> Result<()> {
    let wrong = if id.is_empty() {
        "is empty; name one, or let one be made up"
    } else if id.len() > ID_BYTES_MAX {
        "has more than 255 bytes; shorten it"
    } else if id.chars().any(char::is_control) {
        "has control characters; leave them out"
    } else if id.contains('/') || id == "." || id == ".." {
        "cannot stand in an address; use letters, digits, - and _"
    } else if id.trim() != id {
        "begins or ends with a space; leave it out"
    } else {
        return Ok(());
    };
    Err(Error::Argument(format!("the id of the {what} {wrong}")))
}

/// An id of random bytes after a prefix that tells what it is of.
pub(crate) fn random_id(prefix: &str, random: [u8; 16]) -> String {
    let digits: String = random.iter().map(|byte| format!("{byte:02x}")).collect();
    format!("{prefix}_{digits}")
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    #[test]
    fn an_id_stands_in_an_address() {
        for id in ["a", "ds_1", "Stripe (EU)", "größe", &"x".repeat(255)] {
            assert!(check_id("data source", id).is_ok(), "{id}");
        }
        for id in ["", "a/b", ".", "..", " a", "a ", "a\nb", "\u{7f}", &"x".repeat(256)] {
            assert!(check_id("data source", id).is_err(), "{id}");
        }
    }

    #[test]
    fn a_name_is_one_line() {
        for name in ["a", "Our shop / EU", &"ü".repeat(200)] {
            assert!(check_name("key", name).is_ok(), "{name}");
        }
        for name in ["", "  ", "a\tb", &"ü".repeat(201)] {
            assert!(check_name("key", name).is_err(), "{name}");
        }
    }

    #[test]
    fn a_random_id_has_all_the_bytes() {
        assert_eq!(random_id("ds", [0x0f; 16]), format!("ds_{}", "0f".repeat(16)));
    }
}
