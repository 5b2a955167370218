//! A page: the objects in an endpoint's answer, in parts that can be pushed, and where the next
//! page is.

use std::ops::Range;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::failure::Failure;

/// Objects of one push.
const PART_ROWS_MAX: usize = 1000;

/// Bytes of one push, unless a single object has more.
const PART_BYTES_MAX: usize = 2 * 1024 * 1024;

/// What a page looks like, for messages.
const SHAPE: &str = r#"answer {"data": […], "has_more": true or false}, or an array"#;

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    bytes: Vec<u8>,
    parts: Vec<Part>,
    /// Where there is more.
    pub(super) next: Next,
}

/// Consecutive objects of a page, with the commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Part {
    bytes: Range<usize>,
    rows: usize,
}

/// Where there is more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Next {
    /// Nowhere.
    End,
    /// On the page with the next number.
    Number,
    /// At this URL, absolute or relative to the page's.
    Url(String),
}

#[derive(Deserialize)]
struct Envelope<'a> {
    /// Null is an empty list: programs write one so that nobody has filled.
    #[serde(borrow, default, deserialize_with = "given")]
    data: Option<&'a RawValue>,
    has_more: Option<bool>,
    #[serde(borrow)]
    next: Option<&'a RawValue>,
}

/// What is there, null too.
fn given<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Page {
    /// Reads a page with at most so many objects.
    pub(super) fn parse(bytes: Vec<u8>, rows_max: usize) -> Result<Page, Failure> {
        let start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let text = std::str::from_utf8(&bytes[start..]).map_err(|_| invalid("it is not UTF-8"))?;
        let (data, next) = match text.trim_start().bytes().next() {
            Some(b'[') => (
                serde_json::from_str::<&RawValue>(text)
                    .map_err(|error| invalid(&error.to_string()))?,
                Next::End,
            ),
            Some(b'{') => read_envelope(text)?,
            Some(b'<') => {
                return Err(invalid(
                    "it is HTML or XML, not JSON; is this the address of the API, and not of a page to sign in?",
                ));
            }
            None => return Err(invalid("it is empty")),
            Some(_) => return Err(invalid("it is not JSON")),
        };
        let list = Parts { base: bytes.as_ptr() as usize, rows_max };
        let mut reader = serde_json::Deserializer::from_str(data.get());
        let parts = list.deserialize(&mut reader).map_err(|error| invalid(&error.to_string()))?;
        Ok(Page { parts, next, bytes })
    }

    /// The page as it came.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows as u64).sum()
    }

    /// The objects as arrays of JSON, each with the number of objects before it.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.parts.iter().scan(0, |before, part| {
            let first = *before;
            *before += part.rows as u64;
            Some((first, [b"[", &self.bytes[part.bytes.clone()], b"]"].concat()))
        })
    }
}

fn read_envelope(text: &str) -> Result<(&RawValue, Next), Failure> {
    let envelope: Envelope<'_> =
        serde_json::from_str(text).map_err(|error| invalid(&error.to_string()))?;
    let data = match envelope.data.ok_or_else(|| invalid("it has no \"data\""))? {
        null if null.get() == "null" => {
            serde_json::from_str("[]").map_err(|error| invalid(&error.to_string()))?
        }
        data => data,
    };
    let url = match envelope.next {
        None => None,
        Some(next) => Some(
            serde_json::from_str::<String>(next.get())
                .map_err(|_| invalid("its \"next\" is neither a URL nor null"))?,
        ),
    };
    let next = match (envelope.has_more, url.filter(|url| !url.is_empty())) {
        (Some(false), _) | (None, None) => Next::End,
        (_, Some(url)) => Next::Url(url),
        (Some(true), None) => Next::Number,
    };
    Ok((data, next))
}

fn invalid(why: &str) -> Failure {
    Failure::new("page_invalid", format!("the answer is not a page: {why}; {SHAPE}"))
}

/// Finds out where the objects of an array are, without reading them.
struct Parts {
    /// The address of the page's first byte.
    base: usize,
    rows_max: usize,
}

impl<'de> DeserializeSeed<'de> for Parts {
    type Value = Vec<Part>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<Part>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Parts {
    type Value = Vec<Part>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<Vec<Part>, A::Error> {
        let mut parts: Vec<Part> = Vec::new();
        let mut rows = 0;
        while let Some(object) = objects.next_element::<&'de RawValue>()? {
            rows += 1;
            if rows > self.rows_max {
                let most = self.rows_max;
                return Err(A::Error::custom(format!(
                    "it has more than {most} objects; send fewer on a page and has_more"
                )));
            }
            let start = object.get().as_ptr() as usize - self.base;
            let end = start + object.get().len();
            match parts.last_mut() {
                Some(part)
                    if part.rows < PART_ROWS_MAX && end - part.bytes.start <= PART_BYTES_MAX =>
                {
                    part.bytes.end = end;
                    part.rows += 1;
                }
                _ => parts.push(Part { bytes: start..end, rows: 1 }),
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(text: &str, parts: &[&str], next: Next) {
        let page = Page::parse(text.as_bytes().to_vec(), 5).unwrap();
        let found: Vec<String> =
            page.parts().map(|(_, part)| String::from_utf8(part).unwrap()).collect();
        assert_eq!(
            (found, page.next),
            (parts.iter().map(|part| part.to_string()).collect(), next),
            "{text}"
        );
    }

    fn refused(text: &str, why: &str) {
        let message = Page::parse(text.as_bytes().to_vec(), 5).unwrap_err().message;
        assert!(message.contains(why), "{text}: {message}");
    }

    #[test]
    fn a_page_has_objects_and_says_where_there_is_more() {
        check(
            r#"{"data":[{"id":"a"}, {"id":"b"}],"has_more":true}"#,
            &[r#"[{"id":"a"}, {"id":"b"}]"#],
            Next::Number,
        );
        check(r#" {"has_more":false,"data":[{"id":1.50}]} "#, &[r#"[{"id":1.50}]"#], Next::End);
        check(r#"{"data":[]}"#, &[], Next::End);
        check(r#"{"data":null,"has_more":false}"#, &[], Next::End);
        check("\u{feff}[{\"id\":\"ü\"},2]", &["[{\"id\":\"ü\"},2]"], Next::End);
        check("[]", &[], Next::End);
        check(r#"{"data":[],"next":"/x?cursor=2"}"#, &[], Next::Url("/x?cursor=2".to_string()));
        check(
            r#"{"data":[],"next":"/x","has_more":true,"total":7}"#,
            &[],
            Next::Url("/x".to_string()),
        );
        for end in [
            r#"{"data":[],"next":"/x","has_more":false}"#,
            r#"{"data":[],"next":null,"has_more":null}"#,
            r#"{"data":[],"next":""}"#,
        ] {
            check(end, &[], Next::End);
        }
        check(r#"{"data":[],"next":"","has_more":true}"#, &[], Next::Number);
    }

    #[test]
    fn what_is_no_page_is_refused_with_what_is_wrong() {
        refused("", "it is empty");
        refused("  \n", "it is empty");
        refused("<!doctype html>", "it is HTML");
        refused("ok", "it is not JSON");
        refused("[1", "EOF");
        refused("[1] 2", "trailing");
        refused(r#"{"customers":[]}"#, "it has no \"data\"");
        refused(r#"{"data":{}}"#, "expected an array of objects");
        refused(r#"{"data":[],"has_more":"yes"}"#, "expected a boolean");
        refused(r#"{"data":[],"next":2}"#, "neither a URL nor null");
        refused(r#"{"data":[],"data":[]}"#, "duplicate field");
        assert!(Page::parse(vec![b'[', 0xff, b']'], 5).unwrap_err().message.contains("UTF-8"));
    }

    #[test]
    fn a_page_has_as_many_objects_as_it_may_and_not_one_more() {
        check("[1,2,3,4,5]", &["[1,2,3,4,5]"], Next::End);
        refused("[1,2,3,4,5,6]", "more than 5 objects");
    }

    #[test]
    fn a_large_page_is_pushed_in_parts() {
        let rows: Vec<String> = (0..2500).map(|row| format!("{{\"id\":\"{row}\"}}")).collect();
        let page = Page::parse(format!("[{}]", rows.join(" , ")).into_bytes(), 2500).unwrap();
        let parts: Vec<(u64, usize)> = page
            .parts()
            .map(|(first, part)| {
                (first, serde_json::from_slice::<Vec<serde_json::Value>>(&part).unwrap().len())
            })
            .collect();
        assert_eq!(parts, [(0, 1000), (1000, 1000), (2000, 500)]);
        assert_eq!(page.rows(), 2500);
        let wide = format!("\"{}\"", "x".repeat(PART_BYTES_MAX / 2));
        let page = Page::parse(format!("[{wide},{wide},{wide}]").into_bytes(), 3).unwrap();
        assert_eq!(page.parts().count(), 3);
    }
}
