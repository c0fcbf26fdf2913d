import Synchronization
import Testing

@testable import Collectives

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

@Suite struct WorkerTeamTests {
  @Test func everyMemberRunsOnceEachTime() throws {
    for members in [1, 2, 3, 8] {
      let team = try WorkerTeam(threads: members)
      var counts = [Int](repeating: 0, count: members)
      counts.withUnsafeMutableBufferPointer { counts in
        // Members write only their own element; `run` orders the runs.
        for _ in 0..<2000 { team.run { counts[$0] += 1 } }
      }
      #expect(counts == [Int](repeating: 2000, count: members))
    }
  }

  @Test func preparedClosuresSeeWhatTheLastRunWrote() throws {
    let members = 4
    let team = try WorkerTeam(threads: members)
    let cells = UnsafeMutablePointer<Int>.allocate(capacity: 2 * members)
    defer { cells.deallocate() }
    cells.initialize(repeating: 0, count: 2 * members)
    // Each run reads the neighbour's cell of the last run and writes its own of this one.
    let round = UnsafeMutablePointer<Int>.allocate(capacity: 1)
    defer { round.deallocate() }
    team.prepare { member in
      let now = round.pointee % 2 * members
      let before = (round.pointee + 1) % 2 * members
      cells[now + member] = cells[before + (member + 1) % members] + 1
    }
    for number in 1...3000 {
      round.initialize(to: number)
      team.runPrepared()
    }
    #expect((0..<members).allSatisfy { cells[$0] == 3000 })
  }

  @Test func memberZeroIsTheCaller() throws {
    let team = try WorkerTeam(threads: 3)
    let caller = pthread_self()
    let others = Atomic<Int>(0)
    team.run { member in
      if pthread_equal(pthread_self(), caller) == 0 {
        others.wrappingAdd(member, ordering: .relaxed)
      } else {
        #expect(member == 0)
      }
    }
    #expect(others.load(ordering: .relaxed) == 1 + 2)
  }

  /// Waiting threads are asleep by the time that the next run starts, on either side.
  @Test func sleepingMembersWake() throws {
    let team = try WorkerTeam(threads: 3)
    let sum = Atomic<Int>(0)
    for round in 0..<100 {
      if round % 2 == 0 { usleep(300) }
      team.run { member in
        if member == round % 3 { usleep(300) }
        sum.wrappingAdd(1, ordering: .relaxed)
      }
    }
    #expect(sum.load(ordering: .relaxed) == 300)
  }

  /// A team that waits uses no processor time.
  @Test func idleTeamsSleep() throws {
    let team = try WorkerTeam(threads: 4)
    team.run { _ in }
    usleep(20_000)
    var clocks = [Int](repeating: 0, count: 4)
    func measure() -> [Int] {
      clocks.withUnsafeMutableBufferPointer { clocks in
        team.run { member in
          var time = timespec()
          clock_gettime(CLOCK_THREAD_CPUTIME_ID, &time)
          clocks[member] = time.tv_sec * 1_000_000 + time.tv_nsec / 1000
        }
      }
      return clocks
    }
    let before = measure()
    usleep(200_000)
    let used = zip(measure(), before).dropFirst().map { $0 - $1 }
    // Spinning would use a good part of the 200,000 microseconds.
    #expect(used.allSatisfy { $0 < 20_000 }, "microseconds used: \(used)")
  }

  @Test func manyTeamsCanBeMadeAndEnded() throws {
    for _ in 0..<200 {
      let team = try WorkerTeam(threads: 5)
      let sum = Atomic<Int>(0)
      team.run { sum.wrappingAdd($0, ordering: .relaxed) }
      #expect(sum.load(ordering: .relaxed) == 10)
    }
  }

  @Test func errorGivesAHint() {
    let error = WorkerTeamError(wanted: 9, found: 2)
    #expect("\(error)".contains("cannot start 9 threads: the system gave 2"))
    #expect("\(error)".contains("--threads"))
  }
}
