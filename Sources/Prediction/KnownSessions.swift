/// The states of sessions, at most so many: the one that was used least recently makes room.
struct KnownSessions<State> {
  private struct Entry {
    var key: String
    var state: State
    /// The entries used just before and after it.
    var older = -1
    var newer = -1
  }

  private let most: Int
  private var entries: [Entry] = []
  private var places: [String: Int] = [:]
  private var oldest = -1
  private var newest = -1
  /// Sessions that were forgotten, and the first of them.
  private(set) var forgotten = 0
  private(set) var firstForgotten: String?

  init(most: Int) { self.most = most }

  var count: Int { entries.count }

  /// Changes the state of a session, which from now on is the one used most recently; one that is
  /// not known begins with `initial`.
  ///
  /// - Returns: the session that was forgotten for it.
  mutating func use(
    _ key: String, initial: () -> State, _ body: (inout State) throws -> Void
  ) rethrows -> String? {
    if let place = places[key] {
      unlink(place)
      link(place)
      try body(&entries[place].state)
      return nil
    }
    var lost: String?
    var place = entries.count
    if entries.count == most {
      place = oldest
      unlink(place)
      lost = entries[place].key
      places[entries[place].key] = nil
      entries[place] = Entry(key: key, state: initial())
      forgotten += 1
      if firstForgotten == nil { firstForgotten = lost }
    } else {
      entries.append(Entry(key: key, state: initial()))
    }
    places[key] = place
    link(place)
    try body(&entries[place].state)
    return lost
  }

  private mutating func unlink(_ place: Int) {
    let (older, newer) = (entries[place].older, entries[place].newer)
    if older >= 0 { entries[older].newer = newer } else { oldest = newer }
    if newer >= 0 { entries[newer].older = older } else { newest = older }
  }

  /// Puts an entry behind all others.
  private mutating func link(_ place: Int) {
    (entries[place].older, entries[place].newer) = (newest, -1)
    if newest >= 0 { entries[newest].newer = place } else { oldest = place }
    newest = place
  }
}
