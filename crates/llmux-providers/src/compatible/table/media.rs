//! Where hosts have images, sound and moderations.

use llmux_core::Operation;

/// What a host offers besides text: the path of each operation after the base URL, or `None` where it has no such
/// operation.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Media {
    /// Images from a text.
    pub images: Option<&'static str>,
    /// Images from images and a text.
    pub image_edits: Option<&'static str>,
    /// Images from an image.
    pub image_variations: Option<&'static str>,
    /// A text spoken.
    pub speech: Option<&'static str>,
    /// The words of a recording.
    pub transcriptions: Option<&'static str>,
    /// The words of a recording, in English.
    pub translations: Option<&'static str>,
    /// Whether a text or an image breaks rules.
    pub moderations: Option<&'static str>,
    /// The text of a document's pages.
    pub ocr: Option<&'static str>,
}

impl Media {
    /// Nothing.
    pub const NONE: Self = Self {
        images: None,
        image_edits: None,
        image_variations: None,
        speech: None,
        transcriptions: None,
        translations: None,
        moderations: None,
        ocr: None,
    };
    /// All that OpenAI has, under its paths.
    pub const ALL: Self = Self {
        images: Some("/images/generations"),
        image_edits: Some("/images/edits"),
        image_variations: Some("/images/variations"),
        speech: Some("/audio/speech"),
        transcriptions: Some("/audio/transcriptions"),
        translations: Some("/audio/translations"),
        moderations: Some("/moderations"),
        ocr: None,
    };
    /// Transcriptions and translations, under OpenAI's paths.
    pub const RECORDINGS: Self =
        Self { transcriptions: Self::ALL.transcriptions, translations: Self::ALL.translations, ..Self::NONE };
    /// Speech, transcriptions and translations, under OpenAI's paths.
    pub const AUDIO: Self = Self { speech: Self::ALL.speech, ..Self::RECORDINGS };

    /// What there is, with its path.
    pub fn offered(self) -> impl Iterator<Item = (Operation, &'static str)> {
        [
            (Operation::ImageGeneration, self.images),
            (Operation::ImageEdit, self.image_edits),
            (Operation::ImageVariation, self.image_variations),
            (Operation::Speech, self.speech),
            (Operation::Transcription, self.transcriptions),
            (Operation::Translation, self.translations),
            (Operation::Moderation, self.moderations),
            (Operation::Ocr, self.ocr),
        ]
        .into_iter()
        .filter_map(|(operation, path)| Some((operation, path?)))
    }

    /// The path of an operation.
    #[must_use]
    pub fn path(self, operation: Operation) -> Option<&'static str> {
        self.offered().find(|(offered, _)| *offered == operation).map(|(_, path)| path)
    }
}
