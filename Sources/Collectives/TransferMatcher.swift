/// Matches the sends and receives of ranks that share one address space, and copies between their
/// buffers as soon as both halves are posted. Not synchronised: callers on several threads lock.
final class TransferMatcher {
  enum Outcome: Equatable {
    case pending
    case done
    /// The other half named another size.
    case refused(String)
  }

  @safe private struct Posted {
    var isSend: Bool
    var peer: Int
    var address: UnsafeMutableRawPointer?
    var count: Int
    var outcome: Outcome

    var name: String { "\(isSend ? "send" : "receive") of \(count) bytes" }
  }

  /// The posted, still unmatched halves from one rank to another, oldest first.
  private struct Channel {
    var sends: [Int] = []
    var receives: [Int] = []
  }

  private let ranks: Int
  private var channels: [Channel]
  private var posted: [[Posted]]
  private var freeSlots: [[Int]]

  init(ranks: Int) {
    self.ranks = ranks
    channels = Array(repeating: Channel(), count: ranks * ranks)
    posted = Array(repeating: [], count: ranks)
    freeSlots = Array(repeating: [], count: ranks)
    // Room for what is usually under way, so that steps allocate nothing.
    for channel in channels.indices {
      channels[channel].sends.reserveCapacity(Self.usual)
      channels[channel].receives.reserveCapacity(Self.usual)
    }
    for rank in 0..<ranks {
      posted[rank].reserveCapacity(Self.usual * ranks)
      freeSlots[rank].reserveCapacity(Self.usual * ranks)
    }
  }

  /// Transfers under way from one rank to another.
  private static let usual = 32

  func postSend(_ bytes: UnsafeRawBufferPointer, by rank: Int, to peer: Int) -> Int {
    let slot = unsafe open(
      Posted(
        isSend: true, peer: peer, address: UnsafeMutableRawPointer(mutating: bytes.baseAddress),
        count: bytes.count, outcome: .pending), by: rank)
    let channel = rank * ranks + peer
    channels[channel].sends.append(slot)
    match(channel)
    return slot
  }

  func postReceive(_ bytes: UnsafeMutableRawBufferPointer, by rank: Int, from peer: Int) -> Int {
    let slot = unsafe open(
      Posted(
        isSend: false, peer: peer, address: bytes.baseAddress, count: bytes.count,
        outcome: .pending), by: rank)
    let channel = peer * ranks + rank
    channels[channel].receives.append(slot)
    match(channel)
    return slot
  }

  func outcome(of slot: Int, by rank: Int) -> Outcome { posted[rank][slot].outcome }

  func describe(_ slot: Int, by rank: Int) -> String { posted[rank][slot].name }

  func peer(of slot: Int, by rank: Int) -> Int { posted[rank][slot].peer }

  /// Frees the slot; a half that is still unmatched is withdrawn.
  @discardableResult func close(_ slot: Int, by rank: Int) -> Outcome {
    let half = posted[rank][slot]
    if half.outcome == .pending {
      if half.isSend {
        channels[rank * ranks + half.peer].sends.removeAll { $0 == slot }
      } else {
        channels[half.peer * ranks + rank].receives.removeAll { $0 == slot }
      }
    }
    freeSlots[rank].append(slot)
    return half.outcome
  }

  private func open(_ half: Posted, by rank: Int) -> Int {
    if let slot = freeSlots[rank].popLast() {
      posted[rank][slot] = half
      return slot
    }
    posted[rank].append(half)
    return posted[rank].count - 1
  }

  private func match(_ index: Int) {
    guard !channels[index].sends.isEmpty, !channels[index].receives.isEmpty else { return }
    let sender = index / ranks
    let receiver = index % ranks
    let sendSlot = channels[index].sends.removeFirst()
    let receiveSlot = channels[index].receives.removeFirst()
    let sent = posted[sender][sendSlot]
    let wanted = posted[receiver][receiveSlot]
    var outcome = Outcome.done
    if sent.count != wanted.count {
      outcome = .refused(
        "rank \(sender) sent \(sent.count) bytes where rank \(receiver) expected \(wanted.count)")
    } else if sent.count > 0, let from = unsafe sent.address, let to = unsafe wanted.address {
      unsafe to.copyMemory(from: from, byteCount: sent.count)
    }
    posted[sender][sendSlot].outcome = outcome
    posted[receiver][receiveSlot].outcome = outcome
  }
}
