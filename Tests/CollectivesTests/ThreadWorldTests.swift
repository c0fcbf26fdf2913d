import Collectives
import Synchronization
import Testing

@Suite struct ThreadWorldTests {
  @Test func noRankPassesABarrierBeforeTheLastArrives() throws {
    for ranks in 1...6 {
      let arrived = Atomic<Int>(0)
      let faults = ThreadWorld.Faults(longestDelay: 500, seed: UInt64(ranks))
      _ = try ThreadWorld.run(ranks: ranks, faults: faults) { communicator in
        for round in 1...10 {
          arrived.wrappingAdd(1, ordering: .sequentiallyConsistent)
          try communicator.barrier()
          #expect(arrived.load(ordering: .sequentiallyConsistent) >= round * ranks)
          try communicator.barrier()
        }
      }
    }
  }

  @Test func resultsAreInRankOrder() throws {
    #expect(try ThreadWorld.run(ranks: 5) { $0.rank * 10 } == [0, 10, 20, 30, 40])
  }

  @Test func sizeMismatchFailsOnBothSides() throws {
    let errors = Mutex<[String]>([])
    _ = try ThreadWorld.run(ranks: 2) { communicator in
      var bytes = [UInt8](repeating: 0, count: communicator.rank == 0 ? 8 : 16)
      bytes.withUnsafeMutableBytes { bytes in
        do throws(CollectiveError) {
          if communicator.rank == 0 {
            try communicator.send(UnsafeRawBufferPointer(bytes), to: 1)
          } else {
            try communicator.receive(bytes, from: 0)
          }
        } catch {
          errors.withLock { $0.append("\(error)") }
        }
      }
    }
    let reason = "rank 0 sent 8 bytes where rank 1 expected 16"
    #expect(
      errors.withLock { $0.sorted() } == [
        "rank 0: send of 8 bytes with rank 1 failed: \(reason)",
        "rank 1: receive of 16 bytes with rank 0 failed: \(reason)",
      ])
  }

  struct Mishap: Error {}

  @Test func throwingRankWakesTheOthers() {
    #expect(throws: Mishap.self) {
      _ = try ThreadWorld.run(ranks: 4) { communicator in
        if communicator.rank == 2 { throw Mishap() }
        try communicator.barrier()
      }
    }
  }

  @Test func errorFoundByAllRanksIsThrownOnAll() {
    let finders = Mutex<[Int]>([])
    #expect(throws: Mishap.self) {
      _ = try ThreadWorld.run(ranks: 5, faults: ThreadWorld.Faults(longestDelay: 2_000)) {
        // The gathering ends on some ranks while others still wait for one another.
        let all = try $0.allGather([$0.rank])
        if all.contains([3]) {
          let rank = $0.rank
          finders.withLock { $0.append(rank) }
          throw Mishap()
        }
      }
    }
    #expect(finders.withLock { $0.sorted() } == [0, 1, 2, 3, 4])
  }

  @Test func finishedTransfersReportThemselvesFinished() throws {
    _ = try ThreadWorld.run(ranks: 2) { communicator in
      var bytes: [UInt8] = [UInt8(communicator.rank)]
      try bytes.withUnsafeMutableBytes { bytes in
        if communicator.rank == 0 {
          let transfer = try communicator.startReceive(bytes, from: 1)
          #expect(try !communicator.isFinished(transfer))
          try communicator.send(UnsafeRawBufferPointer(bytes), to: 1)
          while try !communicator.isFinished(transfer) {}
          try communicator.wait(transfer)
          #expect(bytes[0] == 1)
        } else {
          // Sends only once rank 0 has looked.
          try communicator.receive(bytes, from: 0)
          bytes[0] = 1
          try communicator.send(UnsafeRawBufferPointer(bytes), to: 0)
        }
      }
    }
  }

  @Test func unmatchedReceiveInOneProcessFails() throws {
    let communicator = SoloCommunicator()
    var bytes: [UInt8] = [0]
    let error = #expect(throws: CollectiveError.self) {
      try bytes.withUnsafeMutableBytes { try communicator.receive($0, from: 0) }
    }
    #expect(error?.reason.contains("wait for ever") == true)
    // A withdrawn half takes no later one's message.
    try bytes.withUnsafeMutableBytes { bytes in
      communicator.cancel(try communicator.startReceive(bytes, from: 0))
    }
    var received: [UInt8] = [0]
    try received.withUnsafeMutableBytes { received in
      try [UInt8(9)].withUnsafeBytes { sent in
        try communicator.exchange(send: sent, to: 0, receive: received, from: 0)
      }
    }
    #expect(bytes == [0])
    #expect(received == [9])
  }

  @Test func aDroppedTransferTraps() async {
    await #expect(processExitsWith: .failure) {
      let communicator = SoloCommunicator()
      _ = try communicator.startSend(UnsafeRawBufferPointer(start: nil, count: 0), to: 0)
    }
  }

  @Test func errorsNameOperationRankPeerAndHint() {
    let full = CollectiveError(
      operation: "barrier", rank: 3, peer: 1, reason: "no answer", hint: "look at rank 1")
    #expect("\(full)" == "rank 3: barrier with rank 1 failed: no answer; look at rank 1")
    let short = CollectiveError(operation: "start of MPI", rank: -1, reason: "no daemon")
    #expect("\(short)" == "start of MPI failed: no daemon")
  }
}
