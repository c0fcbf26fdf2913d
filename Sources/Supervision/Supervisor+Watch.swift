import Foundation
import Records

extension Supervisor {
  /// Seconds between two looks at the job.
  private static let interval = 0.05

  /// Watches a job to its end; passes signals on, and ends it when it gives no sign of life.
  func watch(_ job: Job) -> JobEnd {
    var silence = 0.0
    var before = ContinuousClock.now
    var lastKept = before
    while true {
      output.relay()
      if let end = job.end() { return end }
      if Signals.interrupts > 1 {
        log.say("asked again to stop: kills the job")
        _ = job.terminate(patience: 0)
        return .killed
      }
      passSignals(to: job)
      let now = ContinuousClock.now
      if let stopAsked, !job.hasHeardStop, now - stopAsked > .seconds(options.silence) {
        log.say("the job does not hear that it is to stop; ends it")
        if !job.terminate(patience: 5) { log.say("some processes of the job do not end") }
        return .silent
      }
      // A longer gap means that this process, or the machine, did not run.
      silence += min((now - before).seconds, 10 * Self.interval)
      before = now
      if job.readHeartbeat() { silence = 0 }
      if silence > silenceLimit(job) {
        log.say(
          "no heartbeat for \(Format.fixed(silence, 1)) s; ends the job. "
            + (job.status.map { "Last heard of: \($0.words)" } ?? "It never gave one"))
        if !job.terminate(patience: 5) { log.say("some processes of the job do not end") }
        return .silent
      }
      if now - lastKept > .seconds(2) {
        lastKept = now
        state.lastStep = job.status?.reading.step ?? state.lastStep
        keep(isStopping ? .stopping : .running)
      }
      Thread.sleep(forTimeInterval: Self.interval)
    }
  }

  /// Starting takes longer: other hosts are reached, and the text and a checkpoint are read.
  private func silenceLimit(_ job: Job) -> Double {
    job.status == nil ? 10 * options.silence : options.silence
  }

  private func passSignals(to job: Job) {
    if Signals.isStopRequested, !isStopping {
      isStopping = true
      stopAsked = ContinuousClock.now
      passStop(to: job)
      keep(.stopping)
    }
    // A launcher that starts ranks, and a rank that starts, may drop a signal.
    if let stopPassed, !job.hasHeardStop, ContinuousClock.now - stopPassed > .seconds(1) {
      passStop(to: job)
    }
    let saves = Signals.saveRequests
    if saves > passedSaves {
      passedSaves = saves
      // A process that does not listen yet would die of it.
      log.say(
        job.status == nil
          ? "SIGUSR1: the job has nothing to save yet"
          : "SIGUSR1: passes it on to \(job.forward(SIGUSR1, family: options.family))")
    }
  }

  private func passStop(to job: Job) {
    let isRepeated = stopPassed != nil
    stopPassed = ContinuousClock.now
    let heard = job.forward(SIGTERM, family: options.family)
    log.say("asked to stop: passes that on\(isRepeated ? " again" : "") to \(heard)")
  }
}
