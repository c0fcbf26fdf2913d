/// The collectives written with point-to-point transfers, for communicators that have none of their
/// own.
extension Communicator {
  /// A barrier in ceil(log2 worldSize) rounds: in round k every rank signals the one 2^k above it.
  package func disseminationBarrier() throws(CollectiveError) {
    var distance = 1
    while distance < worldSize {
      try unsafe exchange(
        send: UnsafeRawBufferPointer(start: nil, count: 0), to: (rank + distance) % worldSize,
        receive: UnsafeMutableRawBufferPointer(start: nil, count: 0),
        from: (rank + worldSize - distance) % worldSize)
      distance *= 2
    }
  }

  /// A broadcast down a binomial tree rooted at `root`.
  package func binomialBroadcast(
    _ bytes: UnsafeMutableRawBufferPointer, from root: Int
  ) throws(CollectiveError) {
    try checkPeer(root, "broadcast of \(bytes.count) bytes")
    let relative = (rank + worldSize - root) % worldSize
    var distance = 1
    while distance < worldSize, relative & distance == 0 { distance *= 2 }
    if relative != 0 {
      try unsafe receive(bytes, from: (relative - distance + root) % worldSize)
    }
    distance /= 2
    while distance > 0 {
      if relative + distance < worldSize {
        try unsafe send(UnsafeRawBufferPointer(bytes), to: (relative + distance + root) % worldSize)
      }
      distance /= 2
    }
  }

  /// An all-gather around the ring: worldSize − 1 rounds, each passing one rank's bytes on.
  package func ringAllGather(
    _ mine: UnsafeRawBufferPointer, into all: UnsafeMutableRawBufferPointer
  ) throws(CollectiveError) {
    let size = mine.count
    precondition(
      all.count == size * worldSize, "room for \(all.count) bytes != \(worldSize) x \(size)")
    guard size > 0 else { return }
    func part(_ owner: Int) -> UnsafeMutableRawBufferPointer {
      unsafe UnsafeMutableRawBufferPointer(rebasing: all[owner * size..<(owner + 1) * size])
    }
    unsafe part(rank).copyMemory(from: mine)
    let next = (rank + 1) % worldSize
    let previous = (rank + worldSize - 1) % worldSize
    for round in 0..<worldSize - 1 {
      let outgoing = (rank + worldSize - round) % worldSize
      let incoming = (rank + 2 * worldSize - round - 1) % worldSize
      try unsafe exchange(
        send: UnsafeRawBufferPointer(part(outgoing)), to: next,
        receive: part(incoming), from: previous)
    }
  }
}
