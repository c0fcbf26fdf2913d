/// Learns merges from the chunks of a text: again and again the pair of tokens that occurs most
/// often, of equally frequent ones the one with the lower ids.
struct BytePairTrainer {
  private typealias Pair = BytePairVocabulary.Pair

  private var chunks: [[Int32]]
  private let weights: [Int]
  private var counts: [Pair: Int] = [:]
  /// Chunks that a pair occurs in; some of them no longer.
  private var places: [Pair: [Int32]] = [:]
  private var queue: PriorityQueue

  /// - Parameter counts: of chunks.
  init(_ counts: ByteStringCounts) {
    let table = counts.table
    chunks = (0..<table.count).map { table[$0].map { Int32($0) } }
    weights = counts.counts
    queue = PriorityQueue()
    for index in chunks.indices {
      for (left, right) in zip(chunks[index], chunks[index].dropFirst()) {
        let pair = Pair(left: left, right: right)
        self.counts[pair, default: 0] += weights[index]
        if places[pair]?.last != Int32(index) { places[pair, default: []].append(Int32(index)) }
      }
    }
    for (pair, count) in self.counts { queue.push(.init(count: count, pair: pair)) }
  }

  /// The vocabulary of at most `size` tokens whose pairs occur at least `minimumCount` times.
  mutating func vocabulary(size: Int, minimumCount: Int) -> BytePairVocabulary {
    var merges: [Pair] = []
    while 256 + merges.count < size, let entry = queue.pop() {
      let count = counts[entry.pair] ?? 0
      // An entry from before other merges; the count only fell since.
      if count != entry.count {
        if count > 0 { queue.push(.init(count: count, pair: entry.pair)) }
        continue
      }
      if count < max(2, minimumCount) { break }
      merge(entry.pair, into: Int32(256 + merges.count))
      merges.append(entry.pair)
    }
    guard let vocabulary = BytePairVocabulary(merges: merges) else {
      preconditionFailure("merges of chunks are no vocabulary")
    }
    return vocabulary
  }

  private mutating func merge(_ pair: Pair, into id: Int32) {
    var grown: Set<Pair> = []
    for place in places.removeValue(forKey: pair) ?? [] {
      let index = Int(place)
      var chunk: [Int32] = []
      swap(&chunk, &chunks[index])
      let before = chunk
      BytePairVocabulary.merge(pair, into: id, &chunk)
      if chunk.count < before.count {
        for (left, right) in zip(before, before.dropFirst()) {
          counts[Pair(left: left, right: right), default: 0] -= weights[index]
        }
        for (left, right) in zip(chunk, chunk.dropFirst()) {
          let next = Pair(left: left, right: right)
          counts[next, default: 0] += weights[index]
          guard left == id || right == id else { continue }
          grown.insert(next)
          if places[next]?.last != place { places[next, default: []].append(place) }
        }
      }
      swap(&chunk, &chunks[index])
    }
    counts[pair] = nil
    for pair in grown { queue.push(.init(count: counts[pair] ?? 0, pair: pair)) }
  }
}

/// A binary heap whose top is the pair of the greatest count, of those the least pair.
private struct PriorityQueue {
  struct Entry {
    var count: Int
    var pair: BytePairVocabulary.Pair

    func precedes(_ other: Entry) -> Bool {
      count == other.count ? pair < other.pair : count > other.count
    }
  }

  private var heap: [Entry] = []

  mutating func push(_ entry: Entry) {
    heap.append(entry)
    var place = heap.count - 1
    while place > 0, heap[place].precedes(heap[(place - 1) / 2]) {
      heap.swapAt(place, (place - 1) / 2)
      place = (place - 1) / 2
    }
  }

  mutating func pop() -> Entry? {
    guard let top = heap.first, let last = heap.popLast() else { return nil }
    if heap.isEmpty { return top }
    heap[0] = last
    var place = 0
    while true {
      var first = place
      for child in [2 * place + 1, 2 * place + 2]
      where child < heap.count && heap[child].precedes(heap[first]) {
        first = child
      }
      if first == place { return top }
      heap.swapAt(place, first)
      place = first
    }
  }
}
