//! Words that are searched for in every frame that passes. Preparing a search costs more than searching a frame,
//! so each is prepared once.

use std::sync::LazyLock;

use memchr::memmem::Finder;

/// A word, and its prepared search.
pub(crate) struct Needle(LazyLock<Finder<'static>>);

macro_rules! needles {
    ($($name:ident = $word:literal;)*) => {$(
        pub(crate) static $name: Needle = Needle(LazyLock::new(|| Finder::new($word)));
    )*};
}

needles! {
    USAGE = b"\"usage\"";
    ERROR = b"error";
    ERROR_FIELD = b"\"error\"";
    DONE = b"[DONE]";
    FINISH_REASON = b"\"finish_reason\"";
    MESSAGE_STOP = b"message_stop";
    RESPONSE_FIELD = b"\"response\"";
}

impl Needle {
    /// Whether the word stands in `haystack`.
    pub(crate) fn is_in(&self, haystack: &[u8]) -> bool {
        self.0.find(haystack).is_some()
    }

    /// What follows each occurrence of the word.
    pub(crate) fn tails<'h>(&'static self, haystack: &'h [u8]) -> impl Iterator<Item = &'h [u8]> {
        let length = self.0.needle().len();
        self.0.find_iter(haystack).map(move |at| haystack.get(at + length..).unwrap_or_default())
    }
}
