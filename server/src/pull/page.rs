//! Parses a page: the objects of a response, in parts for one push each, and the next page.

use std::ops::Range;

use serde::de::{DeserializeSeed, Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::value::RawValue;

use super::sync_failure::SyncFailure;

/// Objects of one push.
const PART_ROWS_MAX: usize = 1000;

/// Bytes of one push, unless a single object is larger.
const PART_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The form of a page, for messages.
const PAGE_FORM: &str = r#"answer {"data": […], "has_more": true or false}, or an array"#;

/// One page.
#[derive(Debug)]
pub(super) struct Page {
    bytes: Vec<u8>,
    parts: Vec<PagePart>,
    pub(super) next: NextPage,
}

/// Consecutive objects of a page, with the commas between them.
#[derive(Debug, Clone, PartialEq, Eq)]
struct PagePart {
    bytes: Range<usize>,
    rows: usize,
}

/// How to fetch the next page.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum NextPage {
    /// This page is the last one.
    None,
    /// By the next number.
    Number,
    /// At this URL, absolute or relative to the page's.
    Url(String),
}

#[derive(Deserialize)]
struct PageEnvelope<'a> {
    /// Null is an empty list: some languages encode an empty list as null.
    #[serde(borrow, default, deserialize_with = "present")]
    data: Option<&'a RawValue>,
    has_more: Option<bool>,
    #[serde(borrow)]
    next: Option<&'a RawValue>,
}

/// A field that is present, null included; serde's own Option drops null.
fn present<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<&'de RawValue>, D::Error> {
    Deserialize::deserialize(deserializer).map(Some)
}

impl Page {
    /// Parses a page with at most `rows_max` objects.
    pub(super) fn parse(bytes: Vec<u8>, rows_max: usize) -> Result<Page, SyncFailure> {
        let start = if bytes.starts_with(b"\xef\xbb\xbf") { 3 } else { 0 };
        let text = std::str::from_utf8(&bytes[start..]).map_err(|_| invalid("it is not UTF-8"))?;
        let (data, next) = match text.trim_start().bytes().next() {
            Some(b'[') => (
                serde_json::from_str::<&RawValue>(text)
                    .map_err(|error| invalid(&error.to_string()))?,
                NextPage::None,
            ),
            Some(b'{') => read_envelope(text)?,
            Some(b'<') => {
                return Err(invalid(
                    "it is HTML or XML, not JSON; is this the address of the API, and not of a \
                     sign-in page?",
                ));
            }
            None => return Err(invalid("it is empty")),
            Some(_) => return Err(invalid("it is not JSON")),
        };
        let splitter = PageSplitter { base: bytes.as_ptr() as usize, rows_max };
        let mut reader = serde_json::Deserializer::from_str(data.get());
        let parts =
            splitter.deserialize(&mut reader).map_err(|error| invalid(&error.to_string()))?;
        Ok(Page { parts, next, bytes })
    }

    /// The page as the endpoint sent it.
    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    pub(super) fn rows(&self) -> u64 {
        self.parts.iter().map(|part| part.rows as u64).sum()
    }

    /// The objects as JSON arrays, each with the number of objects before it on the page.
    pub(super) fn parts(&self) -> impl Iterator<Item = (u64, Vec<u8>)> {
        self.parts.iter().scan(0, |before, part| {
            let first = *before;
            *before += part.rows as u64;
            Some((first, [b"[", &self.bytes[part.bytes.clone()], b"]"].concat()))
        })
    }
}

fn read_envelope(text: &str) -> Result<(&RawValue, NextPage), SyncFailure> {
    let envelope: PageEnvelope<'_> =
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
        (Some(false), _) | (None, None) => NextPage::None,
        (_, Some(url)) => NextPage::Url(url),
        (Some(true), None) => NextPage::Number,
    };
    Ok((data, next))
}

fn invalid(why: &str) -> SyncFailure {
    SyncFailure::new("page_invalid", format!("the response is not a page: {why}; {PAGE_FORM}"))
}

/// Finds the byte ranges of the objects of an array, without parsing the objects.
struct PageSplitter {
    /// The address of the page's first byte.
    base: usize,
    rows_max: usize,
}

impl<'de> DeserializeSeed<'de> for PageSplitter {
    type Value = Vec<PagePart>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Vec<PagePart>, D::Error> {
        deserializer.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for PageSplitter {
    type Value = Vec<PagePart>;

    fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("an array of objects")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut objects: A) -> Result<Vec<PagePart>, A::Error> {
        let mut parts: Vec<PagePart> = Vec::new();
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
                _ => parts.push(PagePart { bytes: start..end, rows: 1 }),
            }
        }
        Ok(parts)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use super::*;

    fn check(text: &str, parts: &[&str], next: NextPage) {
        let page = Page::parse(text.as_bytes().to_vec(), 5).unwrap();
        let actual: Vec<String> =
            page.parts().map(|(_, part)| String::from_utf8(part).unwrap()).collect();
        assert_eq!(
            (actual, page.next),
            (parts.iter().map(|part| part.to_string()).collect(), next),
            "{text}"
        );
    }

    fn check_rejected(text: &str, why: &str) {
        let message = Page::parse(text.as_bytes().to_vec(), 5).unwrap_err().message;
        assert!(message.contains(why), "{text}: {message}");
    }

    #[test]
    fn page_has_objects_and_names_the_next_page() {
        check(
            r#"{"data":[{"id":"a"}, {"id":"b"}],"has_more":true}"#,
            &[r#"[{"id":"a"}, {"id":"b"}]"#],
            NextPage::Number,
        );
        check(
            r#" {"has_more":false,"data":[{"id":1.50}]} "#,
            &[r#"[{"id":1.50}]"#],
            NextPage::None,
        );
        check(r#"{"data":[]}"#, &[], NextPage::None);
        check(r#"{"data":null,"has_more":false}"#, &[], NextPage::None);
        check("\u{feff}[{\"id\":\"ü\"},2]", &["[{\"id\":\"ü\"},2]"], NextPage::None);
        check("[]", &[], NextPage::None);
        check(r#"{"data":[],"next":"/x?cursor=2"}"#, &[], NextPage::Url("/x?cursor=2".to_string()));
        check(
            r#"{"data":[],"next":"/x","has_more":true,"total":7}"#,
            &[],
            NextPage::Url("/x".to_string()),
        );
        for end in [
            r#"{"data":[],"next":"/x","has_more":false}"#,
            r#"{"data":[],"next":null,"has_more":null}"#,
            r#"{"data":[],"next":""}"#,
        ] {
            check(end, &[], NextPage::None);
        }
        check(r#"{"data":[],"next":"","has_more":true}"#, &[], NextPage::Number);
    }

    #[test]
    fn invalid_page_is_rejected_with_a_reason() {
        check_rejected("", "it is empty");
        check_rejected("  \n", "it is empty");
        check_rejected("<!doctype html>", "it is HTML");
        check_rejected("ok", "it is not JSON");
        check_rejected("[1", "EOF");
        check_rejected("[1] 2", "trailing");
        check_rejected(r#"{"customers":[]}"#, "it has no \"data\"");
        check_rejected(r#"{"data":{}}"#, "expected an array of objects");
        check_rejected(r#"{"data":[],"has_more":"yes"}"#, "expected a boolean");
        check_rejected(r#"{"data":[],"next":2}"#, "neither a URL nor null");
        check_rejected(r#"{"data":[],"data":[]}"#, "duplicate field");
        assert!(Page::parse(vec![b'[', 0xff, b']'], 5).unwrap_err().message.contains("UTF-8"));
    }

    #[test]
    fn page_is_accepted_at_the_limit_of_objects_and_rejected_above() {
        check("[1,2,3,4,5]", &["[1,2,3,4,5]"], NextPage::None);
        check_rejected("[1,2,3,4,5,6]", "more than 5 objects");
    }

    #[test]
    fn large_page_is_split_into_parts() {
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
