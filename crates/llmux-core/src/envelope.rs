//! Where the top-level fields of a JSON body are, without the body being parsed.

use std::ops::Range;

/// One top-level field: where its key (quotes included) and its value stand in the body.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Field {
    /// The key, quotes included.
    pub key: Range<usize>,
    /// The value, without white space around it.
    pub value: Range<usize>,
}

/// The top-level fields of a JSON object, as positions in its bytes.
///
/// It is read once when the request arrives; every later look-up or change of a top-level field is by
/// position, so that the rest of the body is never parsed or copied on its own.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Envelope {
    fields: Vec<Field>,
}

impl Envelope {
    /// An envelope of these fields, in the order of the body.
    #[must_use]
    pub fn new(fields: Vec<Field>) -> Self {
        Self { fields }
    }

    /// The fields, in the order of the body.
    #[must_use]
    pub fn fields(&self) -> &[Field] {
        &self.fields
    }

    /// The field of this name; the last one if the body has it twice, as JSON readers commonly do.
    #[must_use]
    pub fn find(&self, body: &[u8], name: &str) -> Option<&Field> {
        self.fields.iter().rev().find(|field| is_key(body, field, name))
    }

    /// The raw JSON of the field of this name.
    #[must_use]
    pub fn get<'b>(&self, body: &'b [u8], name: &str) -> Option<&'b [u8]> {
        body.get(self.find(body, name)?.value.clone())
    }
}

/// Whether the field has this name. Keys written with escapes never match; no known field needs any.
fn is_key(body: &[u8], field: &Field, name: &str) -> bool {
    field.key.len() == name.len().saturating_add(2)
        && body
            .get(field.key.start.saturating_add(1)..field.key.end.saturating_sub(1))
            .is_some_and(|key| key == name.as_bytes())
}
