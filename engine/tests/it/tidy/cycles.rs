//! Cycles in a graph of places.

use std::collections::{BTreeMap, BTreeSet, VecDeque};

pub(super) type Graph = BTreeMap<usize, BTreeSet<usize>>;

pub(super) fn graph(arrows: impl Iterator<Item = (usize, usize)>) -> Graph {
    let mut graph = Graph::new();
    for (from, to) in arrows {
        graph.entry(from).or_default().insert(to);
    }
    graph
}

/// The nodes reachable from one, by a shortest path to each.
fn previous_of_each(graph: &Graph, start: usize) -> BTreeMap<usize, usize> {
    let (mut previous, mut queue) = (BTreeMap::new(), VecDeque::from([start]));
    while let Some(node) = queue.pop_front() {
        for &next in graph.get(&node).into_iter().flatten() {
            previous.entry(next).or_insert_with(|| {
                queue.push_back(next);
                node
            });
        }
    }
    previous
}

/// A shortest cycle through a node: the node, those after it, and the node again.
pub(super) fn cycle_through(graph: &Graph, node: usize) -> Option<Vec<usize>> {
    let previous = previous_of_each(graph, node);
    let mut cycle = vec![node];
    let mut at = *previous.get(&node)?;
    while at != node {
        cycle.push(at);
        at = previous[&at];
    }
    cycle.push(node);
    cycle.reverse();
    Some(cycle)
}

/// The nodes that reach themselves, grouped by those that reach each other; largest group first.
pub(super) fn knots(graph: &Graph) -> Vec<Vec<usize>> {
    let reach: BTreeMap<usize, BTreeSet<usize>> = graph
        .keys()
        .map(|&node| (node, previous_of_each(graph, node).into_keys().collect()))
        .collect();
    let reaches = |from: usize, to: usize| reach.get(&from).is_some_and(|all| all.contains(&to));
    let mut knots: Vec<Vec<usize>> = Vec::new();
    for &node in graph.keys().filter(|&&node| reaches(node, node)) {
        match knots.iter_mut().find(|knot| reaches(node, knot[0]) && reaches(knot[0], node)) {
            Some(knot) => knot.push(node),
            None => knots.push(vec![node]),
        }
    }
    knots.sort_by_key(|knot| std::cmp::Reverse(knot.len()));
    knots
}
