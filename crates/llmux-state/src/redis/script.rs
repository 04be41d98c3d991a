//! What runs inside Redis.

use fred::{
    clients::Client,
    error::Error,
    types::{FromValue, Value, scripts::Script},
};
use llmux_core::{Count, Span};

/// Counts. For each key seven arguments follow the replica's name: the span in milliseconds (0 for minutes), the
/// window, what the replica has counted, what of it was confirmed, the total known, what is wished and its limit (-1
/// for no wish). A wish for part is negative. Answers five numbers for each key.
///
/// A key is a hash: `ends` and `total`, and what each replica has counted under `r` and its name.
const COUNT: &str = r"
local time = redis.call('TIME')
local now = time[1] * 1000 + math.floor(time[2] / 1000)
local me = 'r' .. ARGV[1]
local counts, all = {}, true
for i, key in ipairs(KEYS) do
  local a = (i - 1) * 7 + 1
  local span, window, own = tonumber(ARGV[a + 1]), tonumber(ARGV[a + 2]), tonumber(ARGV[a + 3])
  local told, known = tonumber(ARGV[a + 4]), tonumber(ARGV[a + 5])
  local more, limit = tonumber(ARGV[a + 6]), tonumber(ARGV[a + 7])
  local held = redis.call('HMGET', key, 'ends', 'total', me)
  local ends, total, mine = tonumber(held[1] or 0), tonumber(held[2] or 0), tonumber(held[3] or false)
  local open = ends > now
  if not open then
    total, mine, ends = 0, nil, 0
    local current = window == 0 or window > now
    if limit >= 0 or (current and own > 0) then
      if span == 0 then ends = (math.floor(now / 60000) + 1) * 60000
      elseif window > now then ends = window
      else ends = now + span end
    end
  end
  if ends > 0 and (window == 0 or window == ends) then
    if told > 0 and not mine then
      total, mine = math.max(total, known), told
    end
    mine = mine or 0
    if own > mine then
      total, mine = total + own - mine, own
    end
  end
  local grant = 0
  if limit >= 0 then
    local room = math.max(limit - total, 0)
    if more < 0 then grant = math.min(-more, room) elseif more <= room then grant = more end
    if grant == 0 then all = false end
  end
  counts[i] = { key, open, ends, total, mine or 0, grant, mine }
end
local answer = {}
for _, c in ipairs(counts) do
  local key, open, ends, total, mine, grant, known = unpack(c, 1, 7)
  if not all then grant = 0 end
  total, mine = total + grant, mine + grant
  if ends > 0 then
    if not open then redis.call('DEL', key) end
    if not open or grant > 0 or known then
      redis.call('HSET', key, 'ends', string.format('%.0f', ends), 'total', string.format('%.0f', total))
      if known or grant > 0 then redis.call('HSET', key, me, string.format('%.0f', mine)) end
    end
    if not open then redis.call('PEXPIREAT', key, string.format('%.0f', ends)) end
  end
  local n = #answer
  answer[n + 1], answer[n + 2], answer[n + 3], answer[n + 4] = grant, mine, total, ends
  answer[n + 5] = ends > 0 and ends - now or 0
end
return answer
";

/// Publishes the third argument on the channel of the second, and answers what the memory is called. Whoever finds no
/// name leaves the first argument.
const TELL: &str = r"
redis.call('SET', KEYS[1], ARGV[1], 'NX')
redis.call('PUBLISH', ARGV[2], ARGV[3])
return redis.call('GET', KEYS[1])
";

pub(super) struct Scripts {
    pub(super) count: Runner,
    pub(super) tell: Runner,
}

impl Scripts {
    pub(super) fn new() -> Self {
        Self { count: Runner(Script::from_lua(COUNT)), tell: Runner(Script::from_lua(TELL)) }
    }
}

/// A script that is loaded where it is not known yet.
pub(super) struct Runner(Script);

impl Runner {
    pub(super) async fn run<R: FromValue>(
        &self,
        client: &Client,
        keys: Vec<String>,
        arguments: Vec<Value>,
    ) -> Result<R, Error> {
        self.0.evalsha_with_reload(client, keys, arguments).await
    }
}

/// The keys and arguments of [`COUNT`].
pub(super) fn count_arguments(
    prefix: &str,
    replica: &str,
    of: &str,
    counts: &[Count<'_>],
) -> (Vec<String>, Vec<Value>) {
    // A brace in the name would end the hash tag early, and not every time at the same place.
    let tag: String = of.chars().map(|c| if matches!(c, '{' | '}') { '_' } else { c }).collect();
    let keys = counts.iter().map(|count| format!("{prefix}:{{{tag}}}:{}", count.name)).collect();
    let mut arguments: Vec<Value> = vec![replica.into()];
    for count in counts {
        let span = match count.span {
            Span::Since(millis) => number(millis),
            _ => 0,
        };
        let (more, limit) = count.wish.map_or((0, -1), |wish| {
            let more = number(wish.more);
            (if wish.partly { more.saturating_neg() } else { more }, number(wish.limit))
        });
        let figures =
            [span, number(count.window), number(count.own), number(count.told), number(count.known)];
        arguments.extend(figures.into_iter().chain([more, limit]).map(Value::Integer));
    }
    (keys, arguments)
}

/// A whole number that Lua's floating point holds exactly.
fn number(of: u64) -> i64 {
    const MOST: u64 = 1 << 53;
    i64::try_from(of.min(MOST)).unwrap_or_default()
}
