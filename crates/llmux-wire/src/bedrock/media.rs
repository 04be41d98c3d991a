//! Images, documents, videos and sound, by Bedrock's names of their formats.

use base64::prelude::{BASE64_STANDARD, Engine as _};
use serde_json::{Value, json};

use crate::chat::{Content, Media};

type Format = (&'static str, &'static str);

const IMAGES: &[Format] =
    &[("png", "image/png"), ("jpeg", "image/jpeg"), ("gif", "image/gif"), ("webp", "image/webp")];
const DOCUMENTS: &[Format] = &[
    ("pdf", "application/pdf"),
    ("csv", "text/csv"),
    ("doc", "application/msword"),
    ("docx", "application/vnd.openxmlformats-officedocument.wordprocessingml.document"),
    ("xls", "application/vnd.ms-excel"),
    ("xlsx", "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet"),
    ("html", "text/html"),
    ("txt", "text/plain"),
    ("md", "text/markdown"),
];
const VIDEOS: &[Format] = &[
    ("mp4", "video/mp4"),
    ("mkv", "video/x-matroska"),
    ("mov", "video/quicktime"),
    ("webm", "video/webm"),
    ("flv", "video/x-flv"),
    ("mpeg", "video/mpeg"),
    ("mpg", "video/mpg"),
    ("wmv", "video/x-ms-wmv"),
    ("three_gp", "video/3gpp"),
];

/// What kind of block a medium stands in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Image,
    Document,
    Video,
}

impl Kind {
    /// The block's name.
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Image => "image",
            Self::Document => "document",
            Self::Video => "video",
        }
    }

    fn formats(self) -> &'static [Format] {
        match self {
            Self::Image => IMAGES,
            Self::Document => DOCUMENTS,
            Self::Video => VIDEOS,
        }
    }

    /// The kind of this name.
    pub(super) fn of(name: &str) -> Option<Self> {
        [Self::Image, Self::Document, Self::Video].into_iter().find(|kind| kind.name() == name)
    }
}

/// A medium as Bedrock takes it.
pub(super) struct Written {
    pub(super) kind: Kind,
    pub(super) format: &'static str,
    pub(super) source: Value,
}

/// Writes a medium; `None` for what Bedrock does not take: other formats, and addresses outside of S3.
pub(super) fn write(media: &Media) -> Option<Written> {
    match media {
        Media::Base64 { mime, data } => write_bytes(mime, data),
        Media::Text { mime, text } => write_bytes(mime, &BASE64_STANDARD.encode(text)),
        Media::Url(url) => {
            if let Some((mime, data)) = url.strip_prefix("data:").and_then(|rest| rest.split_once(";base64,"))
            {
                return write_bytes(mime, data);
            }
            let (kind, format) = url.starts_with("s3://").then(|| by_extension(url)).flatten()?;
            Some(Written { kind, format, source: json!({ "s3Location": { "uri": url } }) })
        }
        Media::FileId(_) => None,
    }
}

fn write_bytes(mime: &str, data: &str) -> Option<Written> {
    let mime = mime.split(';').next().unwrap_or_default().trim().to_ascii_lowercase();
    let mime = if mime == "image/jpg" { "image/jpeg" } else { &mime };
    let kinds = [Kind::Image, Kind::Document, Kind::Video].into_iter();
    let mut found = kinds.filter_map(|kind| {
        let format = kind.formats().iter().find(|(_, known)| *known == mime)?;
        Some((kind, format.0))
    });
    // Whatever else is text can be read as such.
    let text =
        || (mime.starts_with("text/") || mime == "application/json").then_some((Kind::Document, "txt"));
    let (kind, format) = found.next().or_else(text)?;
    Some(Written { kind, format, source: json!({ "bytes": data }) })
}

fn by_extension(url: &str) -> Option<(Kind, &'static str)> {
    let extension = url.rsplit_once('.')?.1.to_ascii_lowercase();
    let extension = match extension.as_str() {
        "jpg" => "jpeg",
        "htm" => "html",
        "3gp" => "three_gp",
        other => other,
    };
    let kinds = [Kind::Image, Kind::Document, Kind::Video].into_iter();
    let mut found = kinds.filter_map(|kind| {
        let format = kind.formats().iter().find(|(known, _)| *known == extension)?;
        Some((kind, format.0))
    });
    found.next()
}

/// Reads an image, document or video block; `None` for what has no neutral form: the account of another owner's
/// bucket, a document made of blocks, a format that is not known.
pub(super) fn read(kind: Kind, block: &Value) -> Option<Content> {
    let text = |name: &str| block.get(name).and_then(Value::as_str);
    let format = text("format");
    let mime = kind.formats().iter().find(|(known, _)| Some(*known) == format).map(|(_, mime)| *mime);
    let source = block.get("source")?;
    let media = if let Some(data) = source.get("bytes").and_then(Value::as_str) {
        Media::Base64 { mime: mime?.to_owned(), data: data.to_owned() }
    } else if let Some(words) = source.get("text").and_then(Value::as_str) {
        Media::Text { mime: mime.unwrap_or("text/plain").to_owned(), text: words.to_owned() }
    } else {
        let location = source.get("s3Location").filter(|location| location.get("bucketOwner").is_none())?;
        let uri = location.get("uri")?.as_str()?;
        // The address must tell the format again.
        by_extension(uri).filter(|(known, word)| *known == kind && Some(*word) == format)?;
        Media::Url(uri.to_owned())
    };
    if kind == Kind::Image {
        return Some(Content::Image { source: media, detail: None });
    }
    Some(Content::File {
        source: media,
        name: text("name").map(str::to_owned),
        context: text("context").map(str::to_owned),
        citations: block.pointer("/citations/enabled").and_then(Value::as_bool),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inline(mime: &str) -> Option<(&'static str, &'static str)> {
        let media = Media::Base64 { mime: mime.into(), data: "QQ==".into() };
        write(&media).map(|written| (written.kind.name(), written.format))
    }

    #[test]
    fn the_media_type_decides_about_block_and_format() {
        assert_eq!(inline("image/jpg"), Some(("image", "jpeg")));
        assert_eq!(inline("application/pdf; x=y"), Some(("document", "pdf")));
        assert_eq!(inline("text/x-rust"), Some(("document", "txt")));
        assert_eq!(inline("video/quicktime"), Some(("video", "mov")));
        assert_eq!(inline("application/zip"), None);
    }

    #[test]
    fn only_addresses_in_s3_are_taken() {
        let url = |url: &str| write(&Media::Url(url.into())).map(|written| (written.format, written.source));
        let location = json!({"s3Location": {"uri": "s3://b/clip.mp4"}});
        assert_eq!(url("s3://b/clip.mp4"), Some(("mp4", location)));
        assert_eq!(url("https://example.com/a.png"), None);
        assert_eq!(url("data:image/png;base64,QQ=="), Some(("png", json!({"bytes": "QQ=="}))));
    }

    #[test]
    fn what_is_written_is_read_back() {
        let block = json!({"format": "pdf", "name": "a", "source": {"bytes": "QQ=="},
            "citations": {"enabled": true}});
        let Some(Content::File { source, citations: Some(true), .. }) = read(Kind::Document, &block) else {
            panic!("a file");
        };
        assert_eq!(write(&source).unwrap().source, block["source"]);
        let owned =
            json!({"format": "mp4", "source": {"s3Location": {"uri": "s3://b/a.mp4", "bucketOwner": "1"}}});
        assert_eq!(read(Kind::Video, &owned), None);
    }
}
