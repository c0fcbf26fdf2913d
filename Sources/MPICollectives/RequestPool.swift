internal import CMPI

/// The started MPI requests of a process.
///
/// A transfer is a chain of them, one for each message, named by the first one's place. Places are
/// used again, so that a warm pool does not allocate.
struct RequestPool {
  /// One message under way.
  struct Entry {
    var request: cmpi_request
    var isSend: Bool
    var peer: Int
    var byteCount: Int
    /// The place of the transfer's next message, -1 at the end.
    var next = -1
  }

  private var entries: [Entry] = []
  private var freePlaces: [Int] = []

  subscript(_ place: Int) -> Entry {
    get { entries[place] }
    set { entries[place] = newValue }
  }

  /// Keeps a message and returns its place.
  mutating func add(_ entry: Entry) -> Int {
    if let place = freePlaces.popLast() {
      entries[place] = entry
      return place
    }
    entries.append(entry)
    return entries.count - 1
  }

  /// Frees a place and returns what was there.
  mutating func remove(_ place: Int) -> Entry {
    freePlaces.append(place)
    return entries[place]
  }
}
