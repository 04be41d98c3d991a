//! Images at providers whose forms are not OpenAI's: the client's fields in, his images out, fetched for him where he
//! wants them in the answer and the provider only tells where they are.

use base64::{Engine as _, engine::general_purpose::STANDARD};
use bytes::Bytes;
use llmux_core::{
    Call, Error, ErrorKind, Exchange, Outgoing, ProviderSettings, Result, Step, StepAnswer, Steps, Usage,
};
use llmux_wire::{
    chat::Fit,
    openai::{MediaWatch, write_image_usage},
    passthrough::Passthrough,
};
use serde_json::{Map, Value, json};

use crate::{shape, target::Target};

/// Most images of one answer, as OpenAI has it.
const MAX_IMAGES: u64 = 10;
/// Fields of OpenAI's that steer only its own models; others make of the prompt what they will.
const HINTS: &[&str] =
    &["quality", "style", "background", "moderation", "output_compression", "partial_images"];

/// What a client wants to be drawn.
pub(crate) struct Drawing {
    /// What is to be seen.
    pub(crate) prompt: String,
    /// How many images.
    pub(crate) count: u64,
    /// Width and height, if they are given.
    pub(crate) size: Option<(u64, u64)>,
    /// The format of the files, such as `png`.
    pub(crate) format: Option<String>,
    /// Fields that only the provider knows.
    pub(crate) own: Map<String, Value>,
    /// The images are wanted in the answer.
    encoded: bool,
    created: u64,
    dropped: Vec<String>,
}

impl Drawing {
    /// Reads the client's request: an object, or the fields of a form, which are texts.
    pub(crate) fn of(call: &Call<'_>, settings: &ProviderSettings, title: &str) -> Result<Self> {
        let body = shape::prepared(call, false, &settings.shaping);
        let mut own: Map<String, Value> = serde_json::from_slice(&body).unwrap_or_default();
        own.extend(settings.shaping.extra_body.clone());
        let mut fit = Fit::new(title, &settings.shaping).dropping(call.drop_params);
        let mut take = |name: &str| own.remove(name).filter(|value| !value.is_null());
        let text = |value: Option<Value>| value.and_then(|value| Some(value.as_str()?.to_owned()));
        let prompt = text(take("prompt"));
        let count = match take("n") {
            None => 1,
            Some(Value::String(text)) => text.trim().parse().unwrap_or_default(),
            Some(value) => value.as_u64().unwrap_or_default(),
        };
        if !(1..=MAX_IMAGES).contains(&count) {
            return Err(Error::invalid("n", format!("`n` must be between 1 and {MAX_IMAGES}")));
        }
        let size = size(text(take("size")).as_deref())?;
        let (format, response) = (text(take("output_format")), text(take("response_format")));
        if call.stream {
            fit.refuse("stream")?;
        }
        for name in HINTS {
            if take(name).is_some_and(|value| value != "auto") {
                fit.drop(name);
            }
        }
        for name in ["model", "stream", "user"] {
            take(name);
        }
        Ok(Self {
            prompt: prompt.unwrap_or_default(),
            count,
            size,
            format,
            own,
            encoded: response.as_deref() == Some("b64_json"),
            created: call.created,
            dropped: fit.into_dropped(),
        })
    }

    /// Refuses a request without a prompt.
    pub(crate) fn with_prompt(self) -> Result<Self> {
        if self.prompt.is_empty() {
            return Err(Error::invalid("prompt", "`prompt` must be a string"));
        }
        Ok(self)
    }

    /// The proportion that comes nearest to the size, as providers name them.
    pub(crate) fn aspect(&self) -> Option<&'static str> {
        const RATIOS: &[(&str, f64, f64)] = &[
            ("1:1", 1.0, 1.0),
            ("16:9", 16.0, 9.0),
            ("21:9", 21.0, 9.0),
            ("3:2", 3.0, 2.0),
            ("5:4", 5.0, 4.0),
            ("2:3", 2.0, 3.0),
            ("4:5", 4.0, 5.0),
            ("9:16", 9.0, 16.0),
            ("9:21", 9.0, 21.0),
        ];
        let (width, height) = self.size?;
        let wanted = (width as f64 / height as f64).ln();
        let apart = |(_, width, height): &(&str, f64, f64)| ((width / height).ln() - wanted).abs();
        RATIOS.iter().min_by(|a, b| apart(a).total_cmp(&apart(b))).map(|(name, ..)| *name)
    }

    /// An exchange whose answers `painter` looks at until it has the images.
    pub(crate) fn exchange(
        self,
        call: &Call<'_>,
        outgoing: Outgoing,
        target: &Target,
        painter: impl Painter + 'static,
    ) -> Exchange {
        let gallery = Gallery {
            target: target.clone(),
            created: self.created,
            encoded: self.encoded,
            images: Vec::new(),
            usage: None,
            fetching: None,
        };
        let reply = Passthrough::new(MediaWatch::new(call.operation));
        Exchange::new(outgoing, Box::new(reply), false)
            .with_steps(Box::new(Drawn { painter, gallery }))
            .with_dropped(self.dropped)
    }
}

fn size(text: Option<&str>) -> Result<Option<(u64, u64)>> {
    let Some(text) = text.filter(|text| !matches!(*text, "" | "auto")) else { return Ok(None) };
    let sides = text.split_once('x').and_then(|(width, height)| {
        let (width, height) = (width.trim().parse::<u64>().ok()?, height.trim().parse::<u64>().ok()?);
        (width > 0 && height > 0).then_some((width, height))
    });
    match sides {
        Some(sides) => Ok(Some(sides)),
        None => Err(Error::invalid("size", "`size` must be of the form 1024x1024, or auto")),
    }
}

/// One image of an answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Image {
    /// It is there.
    Url(String),
    /// It is here, in base64.
    Encoded(String),
}

impl Image {
    /// By what a provider calls its place: an address, or a `data:` URL.
    pub(crate) fn at(url: &str) -> Self {
        let encoded = url.strip_prefix("data:").and_then(|data| data.split_once(";base64,"));
        encoded.map_or_else(|| Self::Url(url.to_owned()), |(_, data)| Self::Encoded(data.to_owned()))
    }
}

/// Reads a provider's answers.
pub(crate) trait Painter: Send {
    /// The images, or what must be asked before there are any.
    fn look(&mut self, answer: &StepAnswer<'_>) -> Result<Painted>;

    /// What the images consumed, where the provider counts tokens.
    fn usage(&self) -> Option<Usage> {
        None
    }
}

/// What an answer was.
pub(crate) enum Painted {
    /// The images.
    Images(Vec<Image>),
    /// Something on the way.
    Step(Box<Step>),
}

impl From<Step> for Painted {
    fn from(step: Step) -> Self {
        Self::Step(Box::new(step))
    }
}

/// Answers that hold the images at once.
impl Painter for fn(&[u8]) -> Result<Vec<Image>> {
    fn look(&mut self, answer: &StepAnswer<'_>) -> Result<Painted> {
        self(answer.body).map(Painted::Images)
    }
}

struct Drawn<P> {
    painter: P,
    gallery: Gallery,
}

impl<P: Painter> Steps for Drawn<P> {
    fn next(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        if self.gallery.fetching.is_some() {
            return self.gallery.fetched(answer);
        }
        match self.painter.look(answer)? {
            Painted::Step(step) => Ok(*step),
            Painted::Images(images) if images.is_empty() => {
                Err(Error::upstream(ErrorKind::BadReply, "the provider's answer holds no image"))
            }
            Painted::Images(images) => {
                self.gallery.images = images;
                self.gallery.usage = self.painter.usage();
                self.gallery.next()
            }
        }
    }
}

/// The images of an answer, as far as they are known.
struct Gallery {
    target: Target,
    created: u64,
    encoded: bool,
    images: Vec<Image>,
    usage: Option<Usage>,
    fetching: Option<usize>,
}

impl Gallery {
    fn next(&mut self) -> Result<Step> {
        let elsewhere = |image: &Image| matches!(image, Image::Url(_));
        self.fetching = self.images.iter().position(elsewhere).filter(|_| self.encoded);
        match self.fetching.and_then(|at| self.images.get(at)) {
            Some(Image::Url(url)) => Ok(Step::ask(self.target.follow(url, &[])?)),
            _ => Ok(Step::Done(self.written())),
        }
    }

    fn fetched(&mut self, answer: &StepAnswer<'_>) -> Result<Step> {
        if let Some(image) = self.fetching.and_then(|at| self.images.get_mut(at)) {
            *image = Image::Encoded(STANDARD.encode(answer.body));
        }
        self.next()
    }

    /// OpenAI's form.
    fn written(&self) -> Bytes {
        let image = |image: &Image| match image {
            Image::Url(url) => json!({ "url": url }),
            Image::Encoded(data) => json!({ "b64_json": data }),
        };
        let data: Vec<_> = self.images.iter().map(image).collect();
        let mut answer = Map::new();
        answer.insert("created".into(), self.created.into());
        answer.insert("data".into(), data.into());
        answer.extend(self.usage.as_ref().map(|usage| ("usage".to_owned(), write_image_usage(usage))));
        Value::Object(answer).to_string().into()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sizes_come_near_a_proportion() {
        let aspect = |text: &str| {
            let drawing = Drawing {
                prompt: String::new(),
                count: 1,
                size: size(Some(text)).unwrap(),
                format: None,
                own: Map::new(),
                encoded: false,
                created: 0,
                dropped: Vec::new(),
            };
            drawing.aspect()
        };
        assert_eq!(aspect("1024x1024"), Some("1:1"));
        assert_eq!((aspect("1792x1024"), aspect("1024x1792")), (Some("16:9"), Some("9:16")));
        assert_eq!((aspect("1536x1024"), aspect("auto")), (Some("3:2"), None));
        assert_eq!(size(Some("large")).unwrap_err().param(), Some("size"));
    }

    #[test]
    fn an_image_inside_its_address_is_here() {
        assert_eq!(Image::at("data:image/png;base64,QUJD"), Image::Encoded("QUJD".to_owned()));
        assert_eq!(Image::at("https://a.b/c"), Image::Url("https://a.b/c".to_owned()));
    }
}
