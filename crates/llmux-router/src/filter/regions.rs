//! Deployments outside the region that a request must stay in.

use llmux_core::{Error, ErrorKind};

use super::Search;
use crate::explain::Exclusion;

/// A region that requests can be bound to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Region {
    Eu,
    Us,
}

/// Azure's regions in the European Union whose names do not say so.
const EUROPEAN: &[&str] = &[
    "westeurope",
    "northeurope",
    "francecentral",
    "francesouth",
    "germanywestcentral",
    "germanynorth",
    "swedencentral",
    "swedensouth",
    "italynorth",
    "spaincentral",
    "polandcentral",
    "austriaeast",
    "belgiumcentral",
];

/// Azure's regions in the United States whose names do not begin so.
const AMERICAN: &[&str] = &["centralus", "northcentralus", "southcentralus", "westcentralus"];

/// The region that a provider's name of one is in: AWS's, Google's, Azure's, or `eu` and `us` themselves.
pub(crate) fn of(name: &str) -> Option<Region> {
    // What requests ask for is mostly one of these.
    match name {
        "eu" => return Some(Region::Eu),
        "us" => return Some(Region::Us),
        _ => {}
    }
    let name = name.trim().to_ascii_lowercase().replace(' ', "");
    let starts = |beginnings: &[&str]| beginnings.iter().any(|beginning| name.starts_with(beginning));
    if EUROPEAN.contains(&name.as_str()) || name == "eu" || starts(&["eu-", "europe-", "europe"]) {
        // London and Zurich are in Europe and not in the union.
        let outside = ["eu-west-2", "europe-west2", "eu-central-2", "europe-west6"];
        return (!outside.contains(&name.as_str())).then_some(Region::Eu);
    }
    let us =
        name == "us" || starts(&["us-", "eastus", "westus", "usgov"]) || AMERICAN.contains(&name.as_str());
    us.then_some(Region::Us)
}

pub(super) fn run(search: &mut Search<'_>) -> Result<(), Error> {
    let Some(wanted) = search.ask.directions.and_then(|directions| directions.region.as_deref()) else {
        return Ok(());
    };
    let known = &search.group.known;
    match of(wanted) {
        Some(Region::Eu) => search.keep_those(Exclusion::Region, &known.european),
        Some(Region::Us) => search.keep_those(Exclusion::Region, &known.american),
        None => search.keep_bits(Exclusion::Region, |_, _| 0),
    }
    if search.left.is_empty() {
        let message = format!("no deployment of `{}` is in the region `{wanted}`", search.group.name);
        return Err(Error::client(ErrorKind::InvalidRequest, message).with_param("allowed_model_region"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_three_clouds_are_known() {
        for name in ["eu", "eu-central-1", "europe-west4", "West Europe", "swedencentral"] {
            assert_eq!(of(name), Some(Region::Eu), "{name}");
        }
        for name in ["us", "us-east-1", "us-central1", "eastus2", "South Central US"] {
            assert_eq!(of(name), Some(Region::Us), "{name}");
        }
        for name in ["", "ap-south-1", "uksouth", "eu-west-2", "europe-west6"] {
            assert_eq!(of(name), None, "{name}");
        }
    }
}
