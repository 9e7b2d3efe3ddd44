//! Inclusion and consistency proofs (RFC 9162, 2.1.3 and 2.1.4): made from kept nodes, checked from
//! nothing but hashes.

use super::tree::{SIZE_MAX, fold, node_hash};
use crate::domain::Digest;

/// Proof that the leaf at `index` is in the tree of `size`, leaf to root. `node(level, index)`
/// gives the hash of a complete subtree; no other is ever asked for.
///
/// An `index` that is not in the tree has no proof: the answer is empty and verifies nothing.
///
/// # Errors
/// What `node` returns.
pub fn inclusion<E>(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    let mut hashes = Vec::new();
    if index >= size || size > SIZE_MAX {
        return Ok(hashes);
    }
    let mut level = 0u8;
    while 1 << level < size {
        let sibling = (index >> level) ^ 1;
        let (start, end) = (sibling << level, (sibling + 1) << level);
        if end <= size {
            hashes.push(node(level, sibling)?);
        } else if start < size {
            // The sibling is the ragged right edge.
            hashes.push(range(start, size, &mut node)?);
        }
        level += 1;
    }
    Ok(hashes)
}

/// Proof that the tree of `old` is a prefix of the tree of `new`. Empty where they are the same,
/// where `old` is 0, and where `old` is greater (which verifies nothing).
///
/// # Errors
/// What `node` returns; see [`inclusion`].
pub fn consistency<E>(
    old: u64,
    new: u64,
    mut node: impl FnMut(u8, u64) -> Result<Digest, E>,
) -> Result<Vec<Digest>, E> {
    let mut hashes = Vec::new();
    if old == 0 || old >= new || new > SIZE_MAX {
        return Ok(hashes);
    }
    // From the root down to the last leaf of the old tree: the other half at every fork, until the
    // half that is left ends with the old tree.
    let (mut start, mut end) = (0, new);
    while end != old {
        let middle = start + largest_power_below(end - start);
        if old <= middle {
            hashes.push(range(middle, end, &mut node)?);
            end = middle;
        } else {
            hashes.push(range(start, middle, &mut node)?);
            start = middle;
        }
    }
    if start > 0 {
        hashes.push(range(start, end, &mut node)?);
    }
    hashes.reverse();
    Ok(hashes)
}

/// Root of the tree of `size`.
///
/// # Errors
/// What `node` returns; see [`inclusion`].
pub fn root<E>(size: u64, mut node: impl FnMut(u8, u64) -> Result<Digest, E>) -> Result<Digest, E> {
    range(0, size, &mut node)
}

/// Root over the leaves `start..end`, where `start` is a multiple of a power of two that is no
/// smaller than the range: every fork of RFC 9162 cuts there.
fn range<E>(
    start: u64,
    end: u64,
    node: &mut impl FnMut(u8, u64) -> Result<Digest, E>,
) -> Result<Digest, E> {
    let mut roots = Vec::new();
    let mut at = start;
    for level in (0..64u8).rev() {
        if (end - start) >> level & 1 == 1 {
            roots.push(node(level, at >> level)?);
            at += 1 << level;
        }
    }
    Ok(fold(&roots))
}

/// The largest power of two that is smaller than `n`, which is at least 2.
fn largest_power_below(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

/// Whether `hashes` prove that `leaf` stands at `index` in the tree of `size` with `root`
/// (RFC 9162, 2.1.3.2).
pub fn verify_inclusion(
    leaf: &Digest,
    index: u64,
    size: u64,
    hashes: &[Digest],
    root: &Digest,
) -> bool {
    if index >= size {
        return false;
    }
    let (mut at, mut last) = (index, size - 1);
    let mut hash = *leaf;
    for sibling in hashes {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            hash = node_hash(sibling, &hash);
            skip_lone(&mut at, &mut last);
        } else {
            hash = node_hash(&hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && hash == *root
}

/// Whether `hashes` prove that the tree of `old` with `old_root` is a prefix of the tree of `new`
/// with `new_root` (RFC 9162, 2.1.4.2). The empty tree is a prefix of every tree.
pub fn verify_consistency(
    old: u64,
    new: u64,
    old_root: &Digest,
    new_root: &Digest,
    hashes: &[Digest],
) -> bool {
    if old == 0 {
        return hashes.is_empty()
            && *old_root == super::EMPTY_ROOT
            && (new > 0 || new_root == old_root);
    }
    if old >= new {
        return old == new && hashes.is_empty() && old_root == new_root;
    }
    let (mut at, mut last) = (old - 1, new - 1);
    while at & 1 == 1 {
        at >>= 1;
        last >>= 1;
    }
    // A complete old tree is itself the first node.
    let (first, rest) = if old.is_power_of_two() {
        (*old_root, hashes)
    } else {
        match hashes.split_first() {
            Some((first, rest)) => (*first, rest),
            None => return false,
        }
    };
    let (mut old_hash, mut new_hash) = (first, first);
    for sibling in rest {
        if last == 0 {
            return false;
        }
        if at & 1 == 1 || at == last {
            old_hash = node_hash(sibling, &old_hash);
            new_hash = node_hash(sibling, &new_hash);
            skip_lone(&mut at, &mut last);
        } else {
            new_hash = node_hash(&new_hash, sibling);
        }
        at >>= 1;
        last >>= 1;
    }
    last == 0 && old_hash == *old_root && new_hash == *new_root
}

/// Climbs over the levels at which a node on the right edge has no sibling.
fn skip_lone(at: &mut u64, last: &mut u64) {
    while *at & 1 == 0 && *at != 0 {
        *at >>= 1;
        *last >>= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::convert::Infallible;

    use super::super::tree::{Frontier, naive};
    use super::*;

    const SIZES: u64 = 130;

    type Nodes = HashMap<(u8, u64), Digest>;

    fn kept(size: u64) -> Nodes {
        let mut nodes = HashMap::new();
        let mut frontier = Frontier::default();
        for leaf in naive::leaves(size) {
            frontier.append(leaf, |level, index, hash| {
                nodes.insert((level, index), hash);
            });
        }
        nodes
    }

    /// Panics where a proof asks for a subtree that is not complete at `size`.
    fn node(nodes: &Nodes, size: u64) -> impl FnMut(u8, u64) -> Result<Digest, Infallible> {
        move |level, index| {
            assert!((index + 1) << level <= size, "incomplete subtree");
            Ok(nodes[&(level, index)])
        }
    }

    #[test]
    fn inclusion_proofs_are_those_of_the_rfc_and_verify() {
        let (nodes, leaves) = (kept(SIZES), naive::leaves(SIZES));
        for size in 1..=SIZES {
            let tree = &leaves[..usize::try_from(size).unwrap()];
            let expected_root = naive::root(tree);
            assert_eq!(root(size, node(&nodes, size)), Ok(expected_root));
            for (at, leaf) in tree.iter().enumerate() {
                let index = at as u64;
                let Ok(hashes) = inclusion(index, size, node(&nodes, size));
                assert_eq!(hashes, naive::path(at, tree), "{index} of {size}");
                assert!(verify_inclusion(leaf, index, size, &hashes, &expected_root));
            }
        }
    }

    #[test]
    fn consistency_proofs_are_those_of_the_rfc_and_verify() {
        let (nodes, leaves) = (kept(SIZES), naive::leaves(SIZES));
        let roots: Vec<Digest> =
            (0..=leaves.len()).map(|size| naive::root(&leaves[..size])).collect();
        for new in 1..=leaves.len() {
            for old in 0..=new {
                let (o, n) = (old as u64, new as u64);
                let Ok(hashes) = consistency(o, n, node(&nodes, n));
                if old > 0 {
                    assert_eq!(hashes, naive::proof(old, &leaves[..new]), "{old} in {new}");
                }
                assert!(verify_consistency(o, n, &roots[old], &roots[new], &hashes));
                let wrong = Digest::of(b"wrong");
                assert!(!verify_consistency(o, n, &wrong, &roots[new], &hashes));
                if old > 0 {
                    assert!(!verify_consistency(o, n, &roots[old], &wrong, &hashes));
                }
                if !hashes.is_empty() {
                    for at in 0..hashes.len() {
                        let mut changed = hashes.clone();
                        changed[at] = wrong;
                        assert!(!verify_consistency(o, n, &roots[old], &roots[new], &changed));
                    }
                    let short = &hashes[1..];
                    assert!(!verify_consistency(o, n, &roots[old], &roots[new], short));
                }
                let long = [&hashes[..], &[wrong]].concat();
                assert!(!verify_consistency(o, n, &roots[old], &roots[new], &long));
            }
        }
    }

    #[test]
    fn a_proof_holds_for_nothing_else() {
        let (nodes, leaves) = (kept(SIZES), naive::leaves(SIZES));
        for size in [1u64, 2, 3, 7, 8, 9, 64, 65, 100, 127] {
            let tree = &leaves[..usize::try_from(size).unwrap()];
            let expected = naive::root(tree);
            for (at, leaf) in tree.iter().enumerate() {
                let index = at as u64;
                let Ok(hashes) = inclusion(index, size, node(&nodes, size));
                for other in (0..=size).filter(|other| *other != index) {
                    assert!(!verify_inclusion(leaf, other, size, &hashes, &expected));
                }
                let other_leaf = Digest::of(b"another leaf");
                assert!(!verify_inclusion(&other_leaf, index, size, &hashes, &expected));
                assert!(!verify_inclusion(leaf, index, size, &hashes, &other_leaf));
                assert!(!verify_inclusion(leaf, index, 0, &hashes, &expected));
                let long = [&hashes[..], &[other_leaf]].concat();
                assert!(!verify_inclusion(leaf, index, size, &long, &expected));
                for at in 0..hashes.len() {
                    let mut changed = hashes.clone();
                    changed[at] = other_leaf;
                    assert!(!verify_inclusion(leaf, index, size, &changed, &expected));
                    changed.remove(at);
                    assert!(!verify_inclusion(leaf, index, size, &changed, &expected));
                }
            }
        }
    }

    #[test]
    fn what_is_not_in_the_tree_has_no_proof() {
        let never = |_, _| -> Result<Digest, Infallible> { panic!("asks for a node") };
        for (index, size) in [(0, 0), (1, 1), (9, 3), (0, SIZE_MAX + 1), (u64::MAX, u64::MAX)] {
            assert_eq!(inclusion(index, size, never), Ok(Vec::new()));
        }
        for (old, new) in [(0, 0), (0, 9), (3, 3), (4, 3), (1, u64::MAX)] {
            assert_eq!(consistency(old, new, never), Ok(Vec::new()));
        }
        let leaf = naive::leaf(0);
        assert!(!verify_inclusion(&leaf, u64::MAX, u64::MAX, &[], &leaf));
        assert!(!verify_consistency(4, 3, &leaf, &leaf, &[]));
        assert!(!verify_consistency(1, u64::MAX, &leaf, &leaf, &[leaf; 80]));
    }

    #[test]
    fn a_node_that_cannot_be_had_is_an_error() {
        assert_eq!(inclusion(1, 5, |_, _| Err("gone")), Err("gone"));
        assert_eq!(consistency(1, 5, |_, _| Err("gone")), Err("gone"));
        assert_eq!(root(5, |_, _| Err("gone")), Err("gone"));
    }
}
