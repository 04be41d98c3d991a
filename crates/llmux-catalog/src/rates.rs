//! A price list, and what usage costs by it.

use llmux_core::{Cost, Money, SearchContext, ServiceTier, Terms, Usage};

use crate::unit::{Key, Unit};

/// The prices of one model, in US dollars for one unit each.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rates {
    /// Sorted by key.
    entries: Vec<(Key, Money)>,
    /// A prompt of exactly as many tokens as a threshold is a long one already.
    from_threshold: bool,
    /// Prices of seconds mean the machine's time, not that of audio.
    machine_time: bool,
}

impl Rates {
    /// No price at all.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Sets a price.
    pub fn set(&mut self, key: Key, price: Money) {
        match self.entries.binary_search_by_key(&key, |(known, _)| *known) {
            Ok(at) => {
                if let Some(entry) = self.entries.get_mut(at) {
                    entry.1 = price;
                }
            }
            Err(at) => self.entries.insert(at, (key, price)),
        }
    }

    /// The price of a key, with no other standing in.
    #[must_use]
    pub fn get(&self, key: Key) -> Option<Money> {
        let at = self.entries.binary_search_by_key(&key, |(known, _)| *known).ok()?;
        self.entries.get(at).map(|(_, price)| *price)
    }

    /// All prices, sorted.
    pub fn iter(&self) -> impl Iterator<Item = (Key, Money)> {
        self.entries.iter().copied()
    }

    /// Whether no price is known.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// Says that a prompt of exactly as many tokens as a threshold is a long one already, as at xAI.
    #[must_use]
    pub fn from_threshold(mut self, from: bool) -> Self {
        self.from_threshold = from;
        self
    }

    /// Says that prices of seconds mean the time the machine took, not that of audio.
    #[must_use]
    pub fn machine_time(mut self, machine: bool) -> Self {
        self.machine_time = machine;
        self
    }

    /// Puts prices set by hand in place of these. A price replaces all that were known for its unit, whatever the
    /// prompt's length or the class of service, and all that it stands in for: whoever says what an input token
    /// costs does not mean the list's price for a cached one.
    pub fn replace(&mut self, by: &Self) {
        let given = |unit: Unit| by.entries.iter().any(|(key, _)| key.unit == unit);
        let derives = |unit: Unit| by.entries.iter().any(|(key, _)| key.unit.stands_in_for(unit));
        // Whoever pays for a machine pays for no tokens.
        self.entries.retain(|(key, _)| !by.machine_time && !given(key.unit) && !derives(key.unit));
        for (key, price) in by.iter() {
            self.set(key, price);
        }
        self.machine_time |= by.machine_time;
    }

    /// What usage costs on these terms. Terms that concern the choice of a model are not looked at.
    ///
    /// Units that have no price, and for which none stands in, cost nothing.
    #[must_use]
    pub fn cost(&self, usage: &Usage, terms: &Terms<'_>) -> Cost {
        let at = At { rates: self, service: terms.service, prompt: usage.prompt_total() };
        let mut cost = Cost::default();
        cost.input = at.input(usage);
        cost.cache_read =
            at.of(Unit::CacheRead, usage.cache_read) + at.of(Unit::CacheReadAudio, usage.cache_read_audio);
        cost.cache_write =
            at.of(Unit::CacheWrite, usage.cache_write) + at.of(Unit::CacheWrite1h, usage.cache_write_1h);
        cost.output = at.output(usage);
        cost.reasoning = at.of(Unit::Reasoning, usage.reasoning);
        let search = match terms.search {
            SearchContext::Low => Unit::SearchLow,
            SearchContext::High => Unit::SearchHigh,
            _ => Unit::SearchMedium,
        };
        cost.tools = at.of(search, usage.web_searches);
        cost.fixed = at.of(Unit::Request, 1) + at.machine(usage, terms);
        cost
    }
}

/// A price list as one request sees it.
struct At<'a> {
    rates: &'a Rates,
    service: ServiceTier,
    prompt: u64,
}

impl At<'_> {
    /// So many of a unit; nothing when it has no price.
    fn of(&self, unit: Unit, count: u64) -> Money {
        if count == 0 {
            return Money::ZERO;
        }
        self.price(unit).unwrap_or_default().times(count)
    }

    /// The price of a unit, or of what stands in for it.
    fn price(&self, unit: Unit) -> Option<Money> {
        self.own_price(unit).or_else(|| self.price(unit.stand_in()?))
    }

    /// The price of a unit: the one of the highest threshold that the prompt exceeds; there, the one of the class of
    /// service before the ordinary one, half of which a batch costs.
    fn own_price(&self, unit: Unit) -> Option<Money> {
        let holds = |key: &Key| {
            let long = match key.above {
                0 => true,
                above if self.rates.from_threshold => self.prompt >= above,
                above => self.prompt > above,
            };
            long && [self.service, ServiceTier::Standard].contains(&key.service)
        };
        let entries = self.rates.entries.iter().filter(|(key, _)| key.unit == unit && holds(key));
        let (key, price) = entries.max_by_key(|(key, _)| (key.above, key.service == self.service))?;
        let halved = self.service == ServiceTier::Batch && key.service != self.service && unit.is_token();
        Some(if halved { *price / 2 } else { *price })
    }

    /// What another unit measures of the same thing, if it is counted and has a price.
    fn instead(&self, unit: Unit, count: u64) -> Option<Money> {
        (count > 0).then(|| self.own_price(unit).map(|price| price.times(count))).flatten()
    }

    /// Milliseconds at the price of a second.
    fn seconds(&self, unit: Unit, millis: u64) -> Option<Money> {
        (millis > 0).then(|| self.own_price(unit).map(|price| (price / 1000).times(millis))).flatten()
    }

    /// Text by characters or tokens, audio by seconds or tokens, images by tokens, by the piece or by pixels.
    fn input(&self, usage: &Usage) -> Money {
        let text = self.instead(Unit::InputCharacter, usage.input_characters);
        let audio = self.timed_media(Unit::InputSecond, usage.input_millis);
        let image = match usage.input_image {
            0 => self
                .pictures((Unit::InputPicture, usage.input_images), (Unit::InputPixel, usage.input_pixels)),
            tokens => self.of(Unit::InputImage, tokens),
        };
        text.unwrap_or_else(|| self.of(Unit::Input, usage.input))
            + audio.unwrap_or_else(|| self.of(Unit::InputAudio, usage.input_audio))
            + image
            + self.of(Unit::Query, usage.queries)
            + self.of(Unit::Page, usage.pages)
    }

    fn output(&self, usage: &Usage) -> Money {
        let text = self.instead(Unit::OutputCharacter, usage.output_characters);
        let audio = self.timed_media(Unit::OutputSecond, usage.output_millis);
        let image = match usage.output_image {
            0 => self.pictures(
                (Unit::OutputPicture, usage.output_images),
                (Unit::OutputPixel, usage.output_pixels),
            ),
            tokens => self.of(Unit::OutputImage, tokens),
        };
        // A prediction is billed as output, whether it was right or not.
        text.unwrap_or_else(|| self.of(Unit::Output, usage.output))
            + audio.unwrap_or_else(|| self.of(Unit::OutputAudio, usage.output_audio))
            + image
            + self.of(Unit::Output, usage.accepted_prediction)
            + self.of(Unit::Output, usage.rejected_prediction)
    }

    fn timed_media(&self, unit: Unit, millis: u64) -> Option<Money> {
        if self.rates.machine_time { None } else { self.seconds(unit, millis) }
    }

    fn pictures(&self, pieces: (Unit, u64), pixels: (Unit, u64)) -> Money {
        let by_piece = self.instead(pieces.0, pieces.1);
        by_piece.or_else(|| self.instead(pixels.0, pixels.1)).unwrap_or_default()
    }

    /// The time that the machine took.
    fn machine(&self, usage: &Usage, terms: &Terms<'_>) -> Money {
        let Some(elapsed) = terms.elapsed else { return Money::ZERO };
        let millis = u64::try_from(elapsed.as_millis()).unwrap_or(u64::MAX);
        let mut total = self.seconds(Unit::Second, millis).unwrap_or_default();
        if self.rates.machine_time && usage.input_millis == 0 && usage.output_millis == 0 {
            let both = [Unit::InputSecond, Unit::OutputSecond];
            total = both.into_iter().filter_map(|unit| self.seconds(unit, millis)).fold(total, |a, b| a + b);
        }
        total
    }
}

#[cfg(test)]
mod tests;
