//! The tables of keys as Markdown, for the user guide.

use std::fmt::Write as _;

use crate::keys::{Key, Section, Status, sections};

/// All sections and keys as Markdown tables: form, default and meaning of each key.
#[must_use]
pub fn reference() -> String {
    let mut out = String::new();
    for section in sections() {
        if section.name == "router_settings.default_litellm_params" {
            let _ = write!(out, "\n### `{}`\n\n{}\n", section.name, section.doc);
            continue;
        }
        let _ = write!(out, "\n### `{}`\n\n{}\n", section.name, section.doc);
        out.push_str("\n| Key | Form | Default | Meaning |\n|---|---|---|---|\n");
        for key in section.keys() {
            row(&mut out, key);
        }
        not_yet(&mut out, section);
    }
    out
}

fn row(out: &mut String, key: &Key) {
    let names: Vec<_> = key.names().map(|name| format!("`{name}`")).collect();
    let form = match &key.status {
        Status::Supported(shape) => shape.form(),
        Status::Ignored => "anything; accepted without effect".to_owned(),
    };
    let default = match (key.required, key.default) {
        (true, _) => "required".to_owned(),
        (_, "") => "—".to_owned(),
        (_, text) if text.contains([' ', '`']) => text.to_owned(),
        (_, text) => format!("`{text}`"),
    };
    let _ = writeln!(out, "| {} | {form} | {default} | {} |", names.join(", "), key.doc);
}

fn not_yet(out: &mut String, section: &Section) {
    let names: Vec<_> = section.not_yet().map(|name| format!("`{name}`")).collect();
    if !names.is_empty() {
        let _ = write!(out, "\nKnown, without effect as yet: {}.\n", names.join(", "));
    }
}
