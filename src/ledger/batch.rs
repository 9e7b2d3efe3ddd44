//! What a writer appends in one commit: may be taken back entry by entry, proven without reading
//! anything from storage.
//!
//! INVARIANT: a proof of an entry of this batch, at the size the batch reached, asks only for
//! subtrees completed in the batch and for roots of the frontier it began with: a left sibling
//! that was complete before ends exactly where the old tree does.

use super::proof;
use super::tree::Frontier;
use crate::domain::Digest;

/// A complete subtree: its level (0 for a leaf), its index at that level, its hash.
pub type Node = (u8, u64, Digest);

/// Entries appended to a frontier and not yet durable.
#[derive(Debug, Clone)]
pub struct Batch {
    base: Frontier,
    reached: Frontier,
    /// In the order in which they were completed, which is what `position` counts on.
    nodes: Vec<Node>,
}

/// A point to come back to; good for the batch it was taken from, until a rollback behind it.
#[derive(Debug, Clone)]
pub struct Mark {
    reached: Frontier,
    nodes: usize,
}

impl Batch {
    /// Nothing appended yet.
    pub fn new(base: Frontier) -> Self {
        Self { reached: base.clone(), base, nodes: Vec::new() }
    }

    /// Appends a leaf's hash; answers its index.
    pub fn append(&mut self, leaf: Digest) -> u64 {
        let Self { reached, nodes, .. } = self;
        let index = reached.size();
        reached.append(leaf, |level, index, hash| nodes.push((level, index, hash)));
        index
    }

    /// The point reached.
    pub fn mark(&self) -> Mark {
        Mark { reached: self.reached.clone(), nodes: self.nodes.len() }
    }

    /// Takes back everything appended since `mark`.
    pub fn rollback_to(&mut self, mark: Mark) {
        self.reached = mark.reached;
        self.nodes.truncate(mark.nodes);
    }

    /// The subtrees completed in this batch, to be kept.
    pub fn nodes(&self) -> impl ExactSizeIterator<Item = &Node> {
        self.nodes.iter()
    }

    /// The frontier reached.
    pub fn frontier(&self) -> &Frontier {
        &self.reached
    }

    /// Proof of an entry of this batch at the size reached; `None` for any other entry.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Digest>> {
        if !(self.base.size()..self.reached.size()).contains(&index) {
            return None;
        }
        let node = |level, index| self.node(level, index).ok_or(());
        proof::inclusion(index, self.reached.size(), node).ok()
    }

    fn node(&self, level: u8, index: u64) -> Option<Digest> {
        if let Some((at, root)) = self.base.subtree(level)
            && at == index
        {
            return Some(root);
        }
        let last_leaf = ((index + 1) << level) - 1;
        let before = completed_by(last_leaf).checked_sub(completed_by(self.base.size()))?;
        let position = usize::try_from(before + u64::from(level)).ok()?;
        let (at_level, at_index, hash) = self.nodes.get(position)?;
        (*at_level == level && *at_index == index).then_some(*hash)
    }
}

/// How many subtrees are complete in a tree of `size`: each leaf adds itself, and every pair one.
fn completed_by(size: u64) -> u64 {
    2 * size - u64::from(size.count_ones())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::super::proof::verify_inclusion;
    use super::super::tree::naive;
    use super::*;

    fn grown(size: u64) -> Frontier {
        let mut batch = Batch::new(Frontier::default());
        for leaf in naive::leaves(size) {
            batch.append(leaf);
        }
        batch.frontier().clone()
    }

    #[test]
    fn every_entry_is_proven_without_storage() {
        let leaves = naive::leaves(70);
        for old in 0..=40usize {
            let mut batch = Batch::new(grown(old as u64));
            for (new, leaf) in leaves.iter().enumerate().skip(old) {
                assert_eq!(batch.append(*leaf), new as u64);
                let tree = &leaves[..=new];
                assert_eq!(batch.frontier().root(), naive::root(tree));
                for at in old..=new {
                    let hashes = batch.inclusion(at as u64);
                    assert_eq!(hashes, Some(naive::path(at, tree)), "{at} of {old}..={new}");
                }
            }
        }
    }

    #[test]
    fn what_is_not_of_the_batch_is_not_proven() {
        let mut batch = Batch::new(grown(5));
        assert_eq!(batch.inclusion(5), None);
        batch.append(naive::leaf(5));
        assert!(batch.inclusion(5).is_some());
        for index in [0, 4, 6, u64::MAX] {
            assert_eq!(batch.inclusion(index), None, "{index}");
        }
    }

    #[test]
    fn nodes_are_the_new_ones_only() {
        let mut batch = Batch::new(grown(5));
        for index in 5..8 {
            batch.append(naive::leaf(index));
        }
        let places: Vec<(u8, u64)> = batch.nodes().map(|(level, at, _)| (*level, *at)).collect();
        assert_eq!(places, [(0, 5), (1, 2), (0, 6), (0, 7), (1, 3), (2, 1), (3, 0)]);
    }

    proptest! {
        #[test]
        fn a_rollback_leaves_no_trace(
            old in 0u64..200,
            steps in prop::collection::vec((1u64..9, any::<bool>()), 1..20),
        ) {
            let mut batch = Batch::new(grown(old));
            let mut kept = naive::leaves(old);
            for (step, (count, keep)) in steps.into_iter().enumerate() {
                let mark = batch.mark();
                let before = batch.nodes().count();
                for n in 0..count {
                    let leaf = super::super::leaf_hash(format!("{step} {n}").as_bytes());
                    batch.append(leaf);
                    if keep {
                        kept.push(leaf);
                    }
                }
                if !keep {
                    batch.rollback_to(mark);
                    prop_assert_eq!(batch.nodes().count(), before);
                }
                prop_assert_eq!(batch.frontier().size(), kept.len() as u64);
                prop_assert_eq!(batch.frontier().root(), naive::root(&kept));
            }
            let root = batch.frontier().root();
            for index in old..kept.len() as u64 {
                let hashes = batch.inclusion(index).unwrap();
                let leaf = kept[usize::try_from(index).unwrap()];
                let size = batch.frontier().size();
                prop_assert!(verify_inclusion(&leaf, index, size, &hashes, &root));
            }
        }
    }
}
