//! A try at a lock that somebody holds.

use crate::Outcome;
use crate::contender::{self, FLOOR, OURS};
use crate::holder::Holder;
use crate::places::Places;
use crate::repeated;
use crate::settings::Settings;
use crate::table::Row;

pub(crate) fn measure(places: &Places, settings: &Settings) -> Outcome<Vec<Row>> {
    let contenders = contender::in_process(places)?;
    let holders = contenders
        .iter()
        .map(|contender| Holder::start(contender.asked_to("hold", &contender.lock, None)));
    let holders = holders.collect::<Outcome<Vec<_>>>()?;
    let samples = repeated::measure(contenders, "fail", settings)?;
    for holder in holders {
        holder.release()?;
    }
    Ok(vec![
        Row::new("fail", "A try at a lock that is held", "ns", &samples).against(FLOOR, OURS),
    ])
}
