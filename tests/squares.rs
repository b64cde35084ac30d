//! However mail is connected, twice as much of it takes about twice the time.

#[path = "squares/shapes.rs"]
mod shapes;

use mailstitch::{
    model::Line,
    stitch::{self, Rules, journey, journey::Node},
};
use shapes::SHAPES;

/// This many show quadratic growth; with fewer, other load on the machine shows more.
const MESSAGES: usize = 4000;

/// Nanoseconds that this thread has been running, without anything else on the machine.
fn ran() -> u64 {
    let stat = std::fs::read_to_string("/proc/thread-self/schedstat").unwrap();
    stat.split(' ').next().unwrap().parse().unwrap()
}

fn nodes(mut lines: Vec<Line>) -> Vec<Node> {
    let rules = Rules::default();
    stitch::unite(&mut lines);
    stitch::gather(&lines, |_| false, &rules).documents(&rules).map(|t| Node::new(&t)).collect()
}

fn cost(nodes: &[Node]) -> u64 {
    let measure = |_| {
        let begin = ran();
        assert!(journey::of(nodes.iter()).len() > 100);
        ran() - begin
    };
    (0..5).map(measure).min().unwrap()
}

#[test]
fn journeys_of_twice_as_many_messages_take_twice_the_time() {
    for (name, lines) in SHAPES {
        let (some, twice) = (nodes(lines(MESSAGES)), nodes(lines(2 * MESSAGES)));
        assert!(twice.len() > MESSAGES, "{name}: only {} transactions", twice.len());
        let (some, twice) = (cost(&some), cost(&twice));
        let ratio = twice as f64 / some as f64;
        println!("{name}: {:.1} ms, {:.1} ms, ratio {ratio:.2}", some as f64 / 1e6, twice as f64 / 1e6);
        assert!(ratio <= 2.6, "{name}: {some} ns for {MESSAGES}, {twice} ns for twice as many");
    }
}
