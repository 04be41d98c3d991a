//! Speech at providers whose requests are not OpenAI's: the client's fields in, the sound as it comes.

use llmux_core::{Call, Error, Exchange, Operation, Outgoing, ProviderSettings, Result, Usage};
use llmux_wire::{chat::Fit, openai::MediaWatch, passthrough::Passthrough};
use serde_json::{Map, Value};

use crate::{compatible::media, shape};

/// OpenAI's voices, which nobody else has.
pub(crate) const OPENAI_VOICES: &[&str] = &[
    "alloy", "ash", "ballad", "cedar", "coral", "echo", "fable", "marin", "nova", "onyx", "sage", "shimmer",
    "verse",
];

/// What a client wants to be spoken.
pub(crate) struct Speaking {
    /// The words.
    pub(crate) input: String,
    /// The voice; empty if the client names none.
    pub(crate) voice: String,
    /// How fast, where it is not the usual speed.
    pub(crate) speed: Option<f64>,
    /// Fields that only the provider knows.
    pub(crate) own: Map<String, Value>,
    format: String,
    usage: Usage,
    dropped: Vec<String>,
}

impl Speaking {
    /// Reads the client's request.
    pub(crate) fn of(call: &Call<'_>, settings: &ProviderSettings, title: &str) -> Result<Self> {
        let prepared = shape::prepared(call, false, &settings.shaping);
        let mut own: Map<String, Value> = serde_json::from_slice(&prepared).unwrap_or_default();
        own.extend(settings.shaping.extra_body.clone());
        let mut take = |name: &str| own.remove(name).filter(|value| !value.is_null());
        let input = take("input").and_then(|input| Some(input.as_str()?.to_owned()));
        let input = input.ok_or_else(|| Error::invalid("input", "`input` must be a string"))?;
        let text = |value: Option<Value>| value.and_then(|value| Some(value.as_str()?.to_owned()));
        let (voice, format) = (text(take("voice")), text(take("response_format")));
        let speed = take("speed").and_then(|speed| speed.as_f64()).filter(|speed| *speed != 1.0);
        let mut fit = Fit::new(title, &settings.shaping).dropping(call.drop_params);
        if take("instructions").is_some() {
            fit.refuse("instructions")?;
        }
        if take("stream_format").is_some_and(|format| format == "sse") {
            fit.refuse("stream_format")?;
        }
        for name in ["model", "stream", "user"] {
            take(name);
        }
        Ok(Self {
            input,
            voice: voice.unwrap_or_default(),
            speed,
            own,
            format: format.unwrap_or_else(|| "mp3".to_owned()),
            usage: media::asked(call)?,
            dropped: fit.into_dropped(),
        })
    }

    /// The provider's word for the format that the client wants.
    pub(crate) fn format_in<'a>(&'a self, formats: &[(&str, &'a str)]) -> Result<&'a str> {
        let found = formats.iter().find(|(name, _)| *name == self.format).map(|(_, own)| *own);
        // Formats of the provider's own have longer names.
        let own = || self.format.contains('_').then_some(self.format.as_str());
        found.or_else(own).ok_or_else(|| {
            let names: Vec<_> = formats.iter().map(|(name, _)| *name).collect();
            let message = format!("`response_format` must be one of {} for this model", names.join(", "));
            Error::invalid("response_format", message)
        })
    }

    /// An exchange whose answer is the sound.
    pub(crate) fn exchange(self, outgoing: Outgoing) -> Exchange {
        let reply = Passthrough::new(MediaWatch::new(Operation::Speech)).with_usage(self.usage);
        Exchange::media(outgoing, Box::new(reply)).with_dropped(self.dropped)
    }
}
