//! Hashing and the right edge of a growing tree (RFC 9162, 2.1).

use crate::domain::Digest;

/// Root of the empty tree: SHA-256 of nothing (RFC 9162, 2.1.1).
pub const EMPTY_ROOT: Digest = Digest::from_bytes([
    0xe3, 0xb0, 0xc4, 0x42, 0x98, 0xfc, 0x1c, 0x14, 0x9a, 0xfb, 0xf4, 0xc8, 0x99, 0x6f, 0xb9, 0x24,
    0x27, 0xae, 0x41, 0xe4, 0x64, 0x9b, 0x93, 0x4c, 0xa4, 0x95, 0x99, 0x1b, 0x78, 0x52, 0xb8, 0x55,
]);

/// Most entries of a ledger; far beyond any, and low enough that no index ever overflows.
pub const SIZE_MAX: u64 = 1 << 62;

/// First byte of an entry: the version of the commitment.
const ENTRY_VERSION: u8 = 1;

/// `SHA-256(0x00 ‖ data)`.
pub fn leaf_hash(data: &[u8]) -> Digest {
    Digest::of_parts(&[&[0], data])
}

/// `SHA-256(0x01 ‖ left ‖ right)`.
pub fn node_hash(left: &Digest, right: &Digest) -> Digest {
    Digest::of_parts(&[&[1], left.as_bytes(), right.as_bytes()])
}

/// What a leaf of a ledger holds: `0x01 ‖ SHA-256(salt ‖ event)`. It shows no kind, party or time;
/// the salt keeps an event that can be guessed from being looked for.
pub fn entry_data(salt: &[u8; 16], event: &[u8]) -> [u8; 33] {
    let commitment = Digest::of_parts(&[salt, event]);
    let mut data = [ENTRY_VERSION; 33];
    let [_version, rest @ ..] = &mut data;
    *rest = *commitment.as_bytes();
    data
}

/// Folds complete subtrees, largest first, into the root of the tree they make up.
pub(super) fn fold(roots: &[Digest]) -> Digest {
    let mut right_to_left = roots.iter().rev();
    match right_to_left.next() {
        None => EMPTY_ROOT,
        Some(last) => right_to_left.fold(*last, |right, left| node_hash(left, &right)),
    }
}

/// All that is needed to append: the size of a tree and the roots of its complete subtrees,
/// largest first, one for each bit that is set in the size.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Frontier {
    size: u64,
    roots: Vec<Digest>,
}

impl Frontier {
    /// How many leaves.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// The root of the whole tree.
    pub fn root(&self) -> Digest {
        fold(&self.roots)
    }

    /// The complete subtree of that `level` on the right edge, if there is one: its index there
    /// and its root.
    pub fn subtree(&self, level: u8) -> Option<(u64, Digest)> {
        let at_level = self.size.checked_shr(u32::from(level))?;
        if at_level & 1 == 0 {
            return None;
        }
        let larger = usize::try_from((at_level >> 1).count_ones()).ok()?;
        self.roots.get(larger).map(|root| (at_level - 1, *root))
    }

    /// Appends a leaf's hash. `on_node(level, index, hash)` hears of every subtree this completes,
    /// smallest first, the leaf itself (level 0) included.
    ///
    /// A ledger never reaches [`SIZE_MAX`].
    pub fn append(&mut self, leaf: Digest, mut on_node: impl FnMut(u8, u64, Digest)) {
        let (mut level, mut index, mut hash) = (0u8, self.size, leaf);
        on_node(level, index, hash);
        // A subtree is complete when its index is odd: its left sibling is the last root kept.
        while index & 1 == 1
            && let Some(left) = self.roots.pop()
        {
            level += 1;
            index >>= 1;
            hash = node_hash(&left, &hash);
            on_node(level, index, hash);
        }
        self.roots.push(hash);
        self.size += 1;
    }

    /// The size, 8 bytes big-endian, then the roots.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + self.roots.len() * 32);
        bytes.extend_from_slice(&self.size.to_be_bytes());
        for root in &self.roots {
            bytes.extend_from_slice(root.as_bytes());
        }
        bytes
    }

    /// Reads what [`Frontier::to_bytes`] wrote; `None` unless every byte fits.
    pub fn from_bytes(bytes: &[u8]) -> Option<Self> {
        let (size, rest) = bytes.split_first_chunk::<8>()?;
        let size = u64::from_be_bytes(*size);
        let (chunks, stray) = rest.as_chunks::<32>();
        let fits = stray.is_empty()
            && size < SIZE_MAX
            && usize::try_from(size.count_ones()).ok()? == chunks.len();
        let roots = chunks.iter().map(|chunk| Digest::from_bytes(*chunk)).collect();
        fits.then_some(Self { size, roots })
    }
}

#[cfg(test)]
pub(super) mod naive {
    //! RFC 9162 as it reads, recursively: what everything else is tested against.
    use super::*;

    pub(crate) fn leaf(index: u64) -> Digest {
        leaf_hash(&index.to_be_bytes())
    }

    pub(crate) fn leaves(size: u64) -> Vec<Digest> {
        (0..size).map(leaf).collect()
    }

    fn split_at(size: usize) -> usize {
        let mut k = 1;
        while k * 2 < size {
            k *= 2;
        }
        k
    }

    pub(crate) fn root(leaves: &[Digest]) -> Digest {
        match leaves {
            [] => Digest::of(b""),
            [leaf] => *leaf,
            _ => {
                let (left, right) = leaves.split_at(split_at(leaves.len()));
                node_hash(&root(left), &root(right))
            }
        }
    }

    pub(crate) fn path(index: usize, leaves: &[Digest]) -> Vec<Digest> {
        if leaves.len() == 1 {
            return Vec::new();
        }
        let k = split_at(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut path, sibling) = if index < k {
            (path(index, left), root(right))
        } else {
            (path(index - k, right), root(left))
        };
        path.push(sibling);
        path
    }

    pub(crate) fn proof(old: usize, leaves: &[Digest]) -> Vec<Digest> {
        subproof(old, leaves, true)
    }

    fn subproof(old: usize, leaves: &[Digest], known: bool) -> Vec<Digest> {
        if old == leaves.len() {
            return if known { Vec::new() } else { vec![root(leaves)] };
        }
        let k = split_at(leaves.len());
        let (left, right) = leaves.split_at(k);
        let (mut proof, other) = if old <= k {
            (subproof(old, left, known), root(right))
        } else {
            (subproof(old - k, right, false), root(left))
        };
        proof.push(other);
        proof
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hex(digest: &Digest) -> String {
        data_encoding::HEXLOWER.encode(digest.as_bytes())
    }

    fn grown(size: u64) -> Frontier {
        let mut frontier = Frontier::default();
        for leaf in naive::leaves(size) {
            frontier.append(leaf, |_, _, _| {});
        }
        frontier
    }

    #[test]
    fn the_roots_of_the_certificate_transparency_vectors_come_out() {
        let inputs: [&[u8]; 8] = [
            b"",
            b"\x00",
            b"\x10",
            b"\x20\x21",
            b"\x30\x31",
            b"\x40\x41\x42\x43",
            b"\x50\x51\x52\x53\x54\x55\x56\x57",
            b"\x60\x61\x62\x63\x64\x65\x66\x67\x68\x69\x6a\x6b\x6c\x6d\x6e\x6f",
        ];
        let mut frontier = Frontier::default();
        let mut roots = vec![hex(&frontier.root())];
        for input in inputs {
            frontier.append(leaf_hash(input), |_, _, _| {});
            roots.push(hex(&frontier.root()));
        }
        let expected = [
            (0, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
            (1, "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d"),
            (2, "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125"),
            (3, "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77"),
            (8, "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328"),
        ];
        for (size, root) in expected {
            assert_eq!(roots[size], root, "{size}");
        }
    }

    #[test]
    fn a_frontier_has_the_root_of_the_rfc_at_every_size() {
        let leaves = naive::leaves(300);
        let mut frontier = Frontier::default();
        for size in 0..=leaves.len() {
            assert_eq!(frontier.size(), size as u64);
            assert_eq!(frontier.root(), naive::root(&leaves[..size]), "{size}");
            if let Some(leaf) = leaves.get(size) {
                frontier.append(*leaf, |_, _, _| {});
            }
        }
    }

    #[test]
    fn every_completed_subtree_is_reported_once_and_never_changes() {
        let leaves = naive::leaves(130);
        let mut frontier = Frontier::default();
        let mut seen = std::collections::BTreeMap::new();
        for leaf in &leaves {
            frontier.append(*leaf, |level, index, hash| {
                assert_eq!(seen.insert((level, index), hash), None);
            });
        }
        for level in 0..8u8 {
            for index in 0..(130 >> level) {
                let range = (index << level)..((index + 1) << level);
                let hash = seen.remove(&(level, index as u64));
                assert_eq!(hash, Some(naive::root(&leaves[range])), "{level} {index}");
            }
        }
        assert!(seen.is_empty());
    }

    #[test]
    fn subtrees_of_the_edge_are_found_by_level() {
        let leaves = naive::leaves(0b101_1001);
        let frontier = grown(leaves.len() as u64);
        for (level, start) in [(6u8, 0usize), (4, 64), (3, 80), (0, 88)] {
            let range = start..start + (1 << level);
            let expected = ((start >> level) as u64, naive::root(&leaves[range]));
            assert_eq!(frontier.subtree(level), Some(expected), "{level}");
        }
        for level in [1, 2, 5, 7, 63, 64, 255] {
            assert_eq!(frontier.subtree(level), None, "{level}");
        }
    }

    #[test]
    fn a_frontier_round_trips_through_its_bytes() {
        for size in 0..70 {
            let frontier = grown(size);
            let bytes = frontier.to_bytes();
            assert_eq!(Frontier::from_bytes(&bytes), Some(frontier));
            assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0]].concat()), None);
            assert_eq!(Frontier::from_bytes(&[&bytes[..], &[0; 32]].concat()), None);
            assert_eq!(Frontier::from_bytes(&bytes[..bytes.len() - 1]), None);
        }
        assert_eq!(Frontier::from_bytes(&[]), None);
        assert_eq!(Frontier::from_bytes(&[0xff; 8 + 64 * 32]), None);
    }

    #[test]
    fn an_entry_shows_only_a_version_and_a_commitment() {
        let data = entry_data(&[7; 16], b"event");
        assert_eq!(data[0], 1);
        let mut salted = vec![7; 16];
        salted.extend_from_slice(b"event");
        assert_eq!(data[1..], *Digest::of(&salted).as_bytes());
        assert_ne!(data, entry_data(&[8; 16], b"event"));
    }
}
