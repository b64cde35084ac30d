//! Shrinks a failing input.

/// A small part of `all` that still fails, found by leaving out ever shorter runs of items.
pub fn smallest<T: Clone>(all: &[T], fails: impl Fn(&[T]) -> bool) -> Vec<T> {
    let mut left = all.to_vec();
    let mut run = left.len() / 2;
    while run > 0 {
        let mut at = 0;
        let before = left.len();
        while at < left.len() {
            let mut tried = left.clone();
            tried.drain(at..(at + run).min(left.len()));
            if fails(&tried) {
                left = tried;
            } else {
                at += run;
            }
        }
        // After single items were removed, others may be removable too.
        run = if run == 1 && left.len() < before { 1 } else { run / 2 };
    }
    left
}
