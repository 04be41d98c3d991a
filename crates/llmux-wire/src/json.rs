//! JSON at three depths: the [`envelope`] of a body without parsing it, [`edit`]s of top-level fields as bytes,
//! and [`read`]ing a parsed tree with errors that name the field.

pub mod edit;
pub mod envelope;
pub(crate) mod figures;
pub mod read;
mod scan;
mod text;
