//! Only deployments of the lowest order that is left.

use super::Search;
use crate::explain::Exclusion;

pub(super) fn run(search: &mut Search<'_>) {
    let lowest = search.members().filter_map(|(_, member)| member.deployment.settings().order).min();
    if lowest.is_some() {
        search.keep(Exclusion::Order, |member| member.deployment.settings().order == lowest);
    }
}
