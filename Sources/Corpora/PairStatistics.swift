/// How often pairs of tokens occur, and in which chunks.
///
/// A pair comes up when the newer of its tokens is made, and at no other time, so that all of its
/// places are known at once and its count only falls.
struct PairStatistics {
  private struct Entry {
    var count: Int
    /// Its places are `places[first..<end]`.
    var first: Int
    var end: Int
  }

  private var numbers = PairTable()
  private var entries: [Entry] = []
  private var places: [Int32] = []

  /// How often a pair occurs.
  func count(of pair: TokenPair) -> Int {
    numbers.value(of: pair).map { entries[Int($0)].count } ?? 0
  }

  /// Chunks that a pair occurs in, or did, in ascending order; a copy, as others are put in.
  func places(of pair: TokenPair) -> [Int32] {
    guard let number = numbers.value(of: pair) else { return [] }
    return Array(places[entries[Int(number)].first..<entries[Int(number)].end])
  }

  /// Notes that a pair occurs less often; one that was never noted is none of ours.
  mutating func subtract(_ count: Int, from pair: TokenPair) {
    guard let number = numbers.value(of: pair) else { return }
    entries[Int(number)].count -= count
  }

  /// Notes that a pair does not occur any more.
  mutating func remove(_ pair: TokenPair) {
    if let number = numbers.value(of: pair) { entries[Int(number)].count = 0 }
  }

  /// Notes how often new pairs occur, each once, and where.
  ///
  /// - Parameters:
  ///   - tally: of the pairs' other tokens.
  ///   - pair: makes a pair of one; nil for one that can be left out.
  /// - Returns: the pairs and their counts.
  mutating func add(
    _ tally: inout NeighbourTally, _ pair: (Int32) -> TokenPair?
  ) -> [(pair: TokenPair, count: Int)] {
    var added: [(pair: TokenPair, count: Int)] = []
    // Places are sorted by counting: first where those of each pair begin.
    var end = places.count
    for token in tally.tokens {
      let neighbour = tally[token]
      guard let pair = pair(token) else {
        tally.setNextPlace(-1, of: token)
        continue
      }
      tally.setNextPlace(Int32(end), of: token)
      numbers.set(Int32(entries.count), of: pair)
      let first = end
      end += Int(neighbour.placeCount)
      entries.append(Entry(count: neighbour.count, first: first, end: end))
      added.append((pair, neighbour.count))
    }
    places += repeatElement(0, count: end - places.count)
    for place in tally.places {
      let next = tally[place.token].nextPlace
      if next < 0 { continue }
      places[Int(next)] = place.chunk
      tally.setNextPlace(next + 1, of: place.token)
    }
    return added
  }
}

/// Counts the tokens that stand on one side of a token, and notes in which chunks.
struct NeighbourTally {
  struct Neighbour {
    /// How often it stands there.
    var count = 0
    /// The chunk that was noted last; -1 for none.
    fileprivate var chunk: Int32 = -1
    /// Chunks that were noted.
    fileprivate(set) var placeCount: Int32 = 0
    /// Where the next of its places goes.
    fileprivate(set) var nextPlace: Int32 = 0
  }

  /// Tokens that stand there, in the order in which they were found.
  private(set) var tokens: [Int32] = []
  /// The chunks, in ascending order.
  private(set) var places: [(token: Int32, chunk: Int32)] = []
  private var neighbours: [Neighbour] = []

  /// Makes room for one more token.
  mutating func addToken() { neighbours.append(Neighbour()) }

  subscript(token: Int32) -> Neighbour { neighbours[Int(token)] }

  /// - Parameter chunk: where; not below that of the call before.
  @inline(__always)
  mutating func add(_ count: Int, to token: Int32, in chunk: Int32) {
    let index = Int(token)
    neighbours[index].count += count
    let last = neighbours[index].chunk
    if last == chunk { return }
    if last < 0 { tokens.append(token) }
    neighbours[index].chunk = chunk
    neighbours[index].placeCount += 1
    places.append((token, chunk))
  }

  fileprivate mutating func setNextPlace(_ place: Int32, of token: Int32) {
    neighbours[Int(token)].nextPlace = place
  }

  /// Forgets what was counted.
  mutating func removeAll() {
    for token in tokens { neighbours[Int(token)] = Neighbour() }
    tokens.removeAll(keepingCapacity: true)
    places.removeAll(keepingCapacity: true)
  }
}

/// A binary heap whose top is the pair of the greatest count, of those the least pair.
struct PairQueue {
  struct Entry {
    var count: Int
    var pair: TokenPair

    fileprivate func precedes(_ other: Entry) -> Bool {
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
