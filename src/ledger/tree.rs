//! RFC 9162 Merkle trees: hashing, the right edge of a growing tree, inclusion proofs.
//!
//! Pure: whoever keeps the nodes hands them in. Only complete subtrees are ever kept, because
//! their hashes never change.

use std::collections::HashMap;

use crate::domain::Digest;

/// `SHA-256(0x00 ‖ data)`.
pub fn leaf_hash(data: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], data])
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// What a ledger's leaf commits to: a version byte and `SHA-256(salt ‖ event)`.
pub fn entry_data(salt: &[u8; 16], event: &[u8]) -> [u8; 33] {
    let mut out = [1u8; 33];
    let digest = Digest::of_parts(&[salt, event]);
    for (to, from) in out.iter_mut().skip(1).zip(digest.as_bytes()) {
        *to = *from;
    }
    out
}

/// A complete subtree: its level (0 for a leaf), its index there, its hash.
pub type Node = (u8, u64, Digest);

/// The complete subtrees of a tree, largest first: all that is needed to append.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    peaks: Vec<Digest>,
}

impl Frontier {
    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// RFC 9162 root; of an empty tree, SHA-256 of nothing.
    pub fn root(&self) -> Digest {
        let mut peaks = self.peaks.iter().rev();
        let Some(last) = peaks.next() else { return Digest::of(&[]) };
        peaks.fold(*last, |right, left| node_hash(left, &right))
    }

    /// Appends a leaf hash; answers with the subtrees that this completed.
    pub fn append(&mut self, leaf: Digest) -> Vec<Node> {
        let mut made = vec![(0, self.size, leaf)];
        let (mut level, mut index, mut hash) = (0u8, self.size, leaf);
        while index & 1 == 1
            && let Some(left) = self.peaks.pop()
        {
            (level, index, hash) = (level + 1, index >> 1, node_hash(&left, &hash));
            made.push((level, index, hash));
        }
        self.peaks.push(hash);
        self.size += 1;
        made
    }

    /// Size as 8 bytes, big-endian, then the peaks.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = self.size.to_be_bytes().to_vec();
        for peak in &self.peaks {
            out.extend_from_slice(peak.as_bytes());
        }
        out
    }

    /// The inverse of [`Frontier::to_bytes`].
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let peaks: Vec<Digest> =
            rest.chunks(32).map(Digest::try_from).collect::<Result<_, _>>().ok()?;
        let fits = peaks.len() == usize::try_from(size.count_ones()).ok()?;
        fits.then_some(Self { size, peaks })
    }
}

/// Appends to a frontier that may still be undone.
#[derive(Debug)]
pub struct Batch {
    start: Frontier,
    now: Frontier,
    nodes: Vec<Node>,
}

/// A point to come back to.
#[derive(Debug, Clone)]
pub struct Mark {
    now: Frontier,
    nodes: usize,
}

impl Batch {
    /// Nothing appended yet.
    pub fn new(start: Frontier) -> Self {
        Self { now: start.clone(), start, nodes: Vec::new() }
    }

    /// The point reached.
    pub fn mark(&self) -> Mark {
        Mark { now: self.now.clone(), nodes: self.nodes.len() }
    }

    /// Undoes what was appended since.
    pub fn rollback_to(&mut self, mark: Mark) {
        self.now = mark.now;
        self.nodes.truncate(mark.nodes);
    }

    /// Appends a leaf hash; answers its index.
    pub fn append(&mut self, leaf: Digest) -> u64 {
        let index = self.now.size();
        self.nodes.extend(self.now.append(leaf));
        index
    }

    /// Subtrees completed since the start.
    pub fn nodes(&self) -> &[Node] {
        &self.nodes
    }

    /// The frontier reached.
    pub fn frontier(&self) -> &Frontier {
        &self.now
    }
}
impl Batch {
    /// Proof of an entry appended in this batch, at the size reached.
    pub fn inclusion(&self, index: u64) -> Option<Vec<Digest>> {
        let mut known: HashMap<(u8, u64), Digest> =
            self.nodes.iter().map(|(level, idx, hash)| ((*level, *idx), *hash)).collect();
        let mut at = 0u64;
        let sizes = (0..64u8).rev().filter(|level| self.start.size >> level & 1 == 1);
        for (level, peak) in sizes.zip(&self.start.peaks) {
            known.insert((level, at >> level), *peak);
            at += 1 << level;
        }
        inclusion(index, self.now.size, |level, idx| known.get(&(level, idx)).copied())
    }
}

/// Inclusion proof of leaf `index` in the tree of `size`, from kept nodes.
pub fn inclusion(
    index: u64,
    size: u64,
    mut node: impl FnMut(u8, u64) -> Option<Digest>,
) -> Option<Vec<Digest>> {
    if index >= size {
        return None;
    }
    let (mut low, mut high) = (0, size);
    let mut proof = Vec::new();
    while high - low > 1 {
        let middle = low + largest_power_below(high - low);
        if index < middle {
            proof.push(subtree(middle, high, &mut node)?);
            high = middle;
        } else {
            proof.push(subtree(low, middle, &mut node)?);
            low = middle;
        }
    }
    proof.reverse();
    Some(proof)
}

fn largest_power_below(n: u64) -> u64 {
    1 << (n - 1).ilog2()
}

fn subtree(
    low: u64,
    high: u64,
    node: &mut impl FnMut(u8, u64) -> Option<Digest>,
) -> Option<Digest> {
    let n = high - low;
    if n.is_power_of_two() {
        let level = u8::try_from(n.ilog2()).ok()?;
        return node(level, low >> level);
    }
    let middle = low + largest_power_below(n);
    let left = subtree(low, middle, node)?;
    let right = subtree(middle, high, node)?;
    Some(node_hash(&left, &right))
}
