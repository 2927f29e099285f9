//! The texts of a token's claims, one behind the other: two allocations for all of them, rather than one for each.

use std::ops::Range;

use super::invalid;
use crate::domain::{json::Json, reason::Refusal};

/// Texts, and where each begins and ends.
#[derive(Default)]
pub(super) struct Texts {
    all: String,
    entries: Vec<Span>,
}

/// From the first, to before the last: of bytes in a text, or of a list's entries. Every cached token has a dozen of them.
#[derive(Clone, Copy, Default)]
pub(super) struct Span(u32, u32);

impl Span {
    /// Texts are those of one token or one answer about one, which are limited to far less than a u32 counts.
    fn new(begin: usize, end: usize) -> Self {
        let place = |at| u32::try_from(at).unwrap_or(u32::MAX);
        Self(place(begin), place(end))
    }

    fn range(self) -> Range<usize> {
        let place = |at| usize::try_from(at).unwrap_or(usize::MAX);
        place(self.0)..place(self.1)
    }
}

/// What one string in the place of a list means.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Split {
    /// One entry, whatever is in it (RFC 7519 section 4.1.3).
    No,
    /// Entries with spaces between them (RFC 6749 section 3.3).
    Words,
}

/// The entries of a claim that is a list.
#[derive(Clone, Copy)]
#[expect(missing_debug_implementations, reason = "it holds a token's content")]
pub struct TextList<'c> {
    all: &'c str,
    entries: &'c [Span],
}

impl Texts {
    /// What texts and lists of a usual token take.
    const USUAL_BYTES: usize = 256;
    const USUAL_ENTRIES: usize = 8;

    /// Takes a claim that is one string; an absent one is empty.
    pub(super) fn text(&mut self, value: Option<&Json<'_>>, problem: &'static str) -> Result<Span, Refusal> {
        match value {
            None => Ok(Span::default()),
            Some(Json::Text(text)) => Ok(self.push(text)),
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::List(_) | Json::Object(_)) => {
                Err(invalid(problem))
            }
        }
    }

    /// Takes a claim that is a list of strings, or one string in its place.
    pub(super) fn list(
        &mut self,
        value: Option<&Json<'_>>,
        split: Split,
        problem: &'static str,
    ) -> Result<Span, Refusal> {
        let begin = self.entries.len();
        match value {
            None => {}
            Some(Json::Text(text)) if split == Split::Words => {
                text.split(' ').filter(|word| !word.is_empty()).for_each(|word| self.push_entry(word));
            }
            Some(Json::Text(text)) => self.push_entry(text),
            Some(Json::List(items)) => {
                for item in items {
                    self.push_entry(item.as_str().ok_or_else(|| invalid(problem))?);
                }
            }
            Some(Json::Null | Json::Bool(_) | Json::Number(_) | Json::Object(_)) => {
                return Err(invalid(problem));
            }
        }
        Ok(Span::new(begin, self.entries.len()))
    }

    fn push(&mut self, text: &str) -> Span {
        if self.all.capacity() == 0 {
            self.all.reserve(Self::USUAL_BYTES);
        }
        let begin = self.all.len();
        self.all.push_str(text);
        Span::new(begin, self.all.len())
    }

    fn push_entry(&mut self, text: &str) {
        if self.entries.capacity() == 0 {
            self.entries.reserve(Self::USUAL_ENTRIES);
        }
        let span = self.push(text);
        self.entries.push(span);
    }

    /// One text.
    pub(super) fn at(&self, span: Span) -> &str {
        within(&self.all, span)
    }

    /// One list.
    pub(super) fn list_at(&self, span: Span) -> TextList<'_> {
        TextList { all: &self.all, entries: self.entries.get(span.range()).unwrap_or_default() }
    }

    /// What they take.
    pub(super) fn bytes(&self) -> usize {
        self.all.capacity() + self.entries.capacity() * size_of::<Span>()
    }
}

impl<'c> TextList<'c> {
    /// Its entries, in the order in which the token has them.
    pub fn iter(self) -> impl Iterator<Item = &'c str> {
        self.entries.iter().map(move |span| within(self.all, *span))
    }

    /// Whether one of its entries is this.
    pub fn contains(self, text: &str) -> bool {
        self.iter().any(|entry| entry == text)
    }

    /// Whether it has none.
    pub fn is_empty(self) -> bool {
        self.entries.is_empty()
    }
}

/// Spans are made of whole texts, so there is always something.
fn within(all: &str, span: Span) -> &str {
    all.get(span.range()).unwrap_or_default()
}
