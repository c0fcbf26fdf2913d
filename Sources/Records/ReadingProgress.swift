import Synchronization

/// How much of a run's data has been read: written by the thread that reads, and read by the one
/// that tells of it. What is read more than once counts as often.
package final class ReadingProgress: Sendable {
  /// Bytes read, of those to read as far as that is known.
  package struct Amount: Sendable, Equatable {
    package var read = 0
    package var total = 0

    package init(read: Int = 0, total: Int = 0) {
      self.read = read
      self.total = total
    }

    /// For people; nil where there is nothing to say yet.
    package var words: String? {
      total > 0 ? "\(Format.bytes(read)) of \(Format.bytes(total))" : nil
    }
  }

  private struct State {
    var amount = Amount()
    var allowance: MemoryAllowance?
    /// Memory that was held before anything was read.
    var heldBefore = 0
  }

  private let state = Mutex(State())

  package init() {}

  package var amount: Amount { state.withLock { $0.amount } }

  /// Says that so many bytes more are to be read.
  package func expect(_ bytes: Int) { state.withLock { $0.amount.total += bytes } }

  /// Says that so many bytes more are read.
  package func advance(_ bytes: Int) { state.withLock { $0.amount.read += bytes } }

  /// Says what the process may hold, before it reads.
  package func allow(_ allowance: MemoryAllowance) {
    state.withLock {
      $0.allowance = allowance
      $0.heldBefore = MemoryAllowance.held
    }
  }

  /// What is wrong, where the data take more memory than the process may hold, or will when all of
  /// them are read; nil elsewhere. It asks the system: not for every few bytes.
  package var excess: String? {
    state.withLock { state in
      state.allowance.flatMap {
        $0.excess(held: MemoryAllowance.held, before: state.heldBefore, of: state.amount)
      }
    }
  }
}
