//! A directed graph over small numbers, laid flat: what follows each node, and which nodes lie on a cycle together. It
//! decides nothing about ops; `order` asks it.

/// The graph; several edges between two nodes are kept.
pub(super) struct Graph {
    start: Vec<usize>,
    to: Vec<usize>,
}

impl Graph {
    pub fn new(nodes: usize, edges: impl Iterator<Item = (usize, usize)> + Clone) -> Self {
        let mut start = vec![0usize; nodes + 1];
        for (from, _) in edges.clone() {
            start[from + 1] += 1;
        }
        for node in 0..nodes {
            start[node + 1] += start[node];
        }
        let mut next = start.clone();
        let mut to = vec![0; start[nodes]];
        for (from, end) in edges {
            to[next[from]] = end;
            next[from] += 1;
        }
        Self { start, to }
    }

    /// Where the edges of `node` lead.
    pub fn of(&self, node: usize) -> &[usize] {
        &self.to[self.start[node]..self.start[node + 1]]
    }

    /// For each node the number of its strongly connected component, and how many there are (Tarjan 1972). It keeps its own
    /// stack: a chain of a hundred thousand records must not use up the real one.
    pub fn components(&self) -> (Vec<usize>, usize) {
        const NEW: usize = usize::MAX;
        let nodes = self.start.len() - 1;
        let (mut index, mut low, mut component) = (vec![NEW; nodes], vec![0; nodes], vec![NEW; nodes]);
        let (mut seen, mut count) = (0, 0);
        let mut open: Vec<usize> = Vec::new();
        let mut walk: Vec<(usize, usize)> = Vec::new();
        for root in 0..nodes {
            if index[root] != NEW {
                continue;
            }
            walk.push((root, 0));
            while let Some((node, edge)) = walk.pop() {
                if edge == 0 {
                    (index[node], low[node]) = (seen, seen);
                    seen += 1;
                    open.push(node);
                }
                if let Some(&next) = self.of(node).get(edge) {
                    walk.push((node, edge + 1));
                    if index[next] == NEW {
                        walk.push((next, 0));
                    } else if component[next] == NEW {
                        low[node] = low[node].min(index[next]);
                    }
                    continue;
                }
                if low[node] == index[node] {
                    while let Some(one) = open.pop() {
                        component[one] = count;
                        if one == node {
                            break;
                        }
                    }
                    count += 1;
                }
                if let Some((parent, _)) = walk.last() {
                    low[*parent] = low[*parent].min(low[node]);
                }
            }
        }
        (component, count)
    }
}
