//! Zero stubs that are paid by credit (§4.6).

use super::untils::Live;

/// Gives each stub paid by credit the rate of a group that is no stub.
pub fn pay_stubs(live: &mut [Live]) {
    let mut paid = vec![false; live.len()];
    for index in 1..live.len() {
        paid[index] = is_stub(&live[index])
            && runs_into(&live[index - 1], &live[index])
            && (paid[index - 1]
                || (live[index - 1].rate > 0
                    && live[index - 1].group.end > live[index].group.start));
    }
    let rates: Vec<i128> = (0..live.len())
        .map(|index| if paid[index] { rate_of_stub(live, index) } else { live[index].rate })
        .collect();
    for (group, rate) in live.iter_mut().zip(rates) {
        group.rate = rate;
    }
}

fn is_stub(live: &Live) -> bool {
    live.group
        .counting
        .iter()
        .all(|regular| regular.charge.amount == 0 && !regular.charge.is_full_length())
}

fn runs_into(before: &Live, after: &Live) -> bool {
    before.until.is_on(after.group.start)
}

fn rate_of_stub(live: &[Live], stub: usize) -> i128 {
    let after = (stub + 1..live.len()).find(|index| !is_stub(&live[*index]));
    let fitting = after.filter(|after| {
        let counts_plan = live[stub]
            .group
            .counting
            .iter()
            .any(|regular| live[*after].group.counts_plan(&regular.charge.plan.id));
        counts_plan && (stub..*after).all(|index| runs_into(&live[index], &live[index + 1]))
    });
    let before = (0..stub).rfind(|index| !is_stub(&live[*index]));
    fitting.or(before).map_or(0, |index| live[index].rate)
}
