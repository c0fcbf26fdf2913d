// The C side of MPI as Swift sees it: one set of types and functions with every MPI library.
//
// A handle (communicator, request, data type, ...) is an address in Open MPI and in the standard
// ABI of MPI 5.0, and a number in MPICH and in what is made of it (Intel MPI, Cray MPICH), so that
// Swift would see another type with each of them; and mpi.h defines the handles that we name as
// macros that Swift cannot import. So a handle is a structure here, and every function that takes
// or sets one has its counterpart, with the name cmpi_... and the same result: MPI's error code.
#ifndef GRU_DIST_CMPI_SHIM_H
#define GRU_DIST_CMPI_SHIM_H

#include <mpi.h>

// Nobody looks into a handle, so that it is safe in the sense of Swift's strict memory safety.
#define CMPI_SAFE __attribute__((swift_attr("safe")))

typedef struct CMPI_SAFE {
  MPI_Comm handle;
} cmpi_comm;

typedef struct CMPI_SAFE {
  MPI_Request handle;
} cmpi_request;

// Constants of an unnamed enum or behind another macro, whose imported type would depend on the
// library's headers.
static inline int cmpi_thread_funneled(void) { return MPI_THREAD_FUNNELED; }
static inline int cmpi_thread_serialized(void) { return MPI_THREAD_SERIALIZED; }
static inline int cmpi_max_error_string(void) { return MPI_MAX_ERROR_STRING; }
static inline int cmpi_max_processor_name(void) { return MPI_MAX_PROCESSOR_NAME; }
static inline int cmpi_max_library_version(void) { return MPI_MAX_LIBRARY_VERSION_STRING; }

// The library whose headers these are, in its own words.
#define CMPI_WORDS(text) #text
#define CMPI_NUMBER(number) CMPI_WORDS(number)
static inline const char *_Nonnull cmpi_header_version(void) {
#if defined(OPEN_MPI)
  return "Open MPI " CMPI_NUMBER(OMPI_MAJOR_VERSION) "." CMPI_NUMBER(OMPI_MINOR_VERSION)
      "." CMPI_NUMBER(OMPI_RELEASE_VERSION);
#elif defined(I_MPI_VERSION)
  return "Intel(R) MPI Library " I_MPI_VERSION;
#elif defined(MPICH_VERSION)
  return "MPICH " MPICH_VERSION;
#else
  return "an MPI library";
#endif
}

// Communicators. Those that MPI sets start as the null handle.
static inline cmpi_comm cmpi_world(void) { return (cmpi_comm){MPI_COMM_WORLD}; }
static inline cmpi_comm cmpi_no_comm(void) { return (cmpi_comm){MPI_COMM_NULL}; }

// MPI returns error codes to us instead of ending the job.
static inline int cmpi_comm_return_errors(cmpi_comm comm) {
  return MPI_Comm_set_errhandler(comm.handle, MPI_ERRORS_RETURN);
}
static inline int cmpi_comm_split_by_host(cmpi_comm comm, int key, cmpi_comm *_Nonnull made) {
  return MPI_Comm_split_type(
      comm.handle, MPI_COMM_TYPE_SHARED, key, MPI_INFO_NULL, &made->handle);
}
static inline int cmpi_comm_split(cmpi_comm comm, int color, int key, cmpi_comm *_Nonnull made) {
  return MPI_Comm_split(comm.handle, color, key, &made->handle);
}
static inline int cmpi_comm_free(cmpi_comm *_Nonnull comm) { return MPI_Comm_free(&comm->handle); }
static inline int cmpi_comm_rank(cmpi_comm comm, int *_Nonnull rank) {
  return MPI_Comm_rank(comm.handle, rank);
}
static inline int cmpi_comm_size(cmpi_comm comm, int *_Nonnull size) {
  return MPI_Comm_size(comm.handle, size);
}
static inline int cmpi_abort(cmpi_comm comm, int status) { return MPI_Abort(comm.handle, status); }

// Collectives, of bytes; the sum is for the benchmark of the exchange alone.
static inline int cmpi_barrier(cmpi_comm comm) { return MPI_Barrier(comm.handle); }
static inline int cmpi_bcast(void *_Nullable bytes, int count, int root, cmpi_comm comm) {
  return MPI_Bcast(bytes, count, MPI_BYTE, root, comm.handle);
}
static inline int cmpi_allgather(
    const void *_Nullable mine, int count, void *_Nullable all, cmpi_comm comm) {
  return MPI_Allgather(mine, count, MPI_BYTE, all, count, MPI_BYTE, comm.handle);
}
static inline int cmpi_allreduce_sum(float *_Nullable floats, int count, cmpi_comm comm) {
  return MPI_Allreduce(MPI_IN_PLACE, floats, count, MPI_FLOAT, MPI_SUM, comm.handle);
}

// Messages, of bytes. A finished request is the null handle.
static inline cmpi_request cmpi_no_request(void) { return (cmpi_request){MPI_REQUEST_NULL}; }
static inline int cmpi_isend(
    const void *_Nullable bytes, int count, int peer, int tag, cmpi_comm comm,
    cmpi_request *_Nonnull request) {
  return MPI_Isend(bytes, count, MPI_BYTE, peer, tag, comm.handle, &request->handle);
}
static inline int cmpi_irecv(
    void *_Nullable bytes, int count, int peer, int tag, cmpi_comm comm,
    cmpi_request *_Nonnull request) {
  return MPI_Irecv(bytes, count, MPI_BYTE, peer, tag, comm.handle, &request->handle);
}
// Leaves the request as it is, finished or not.
static inline int cmpi_request_get_status(cmpi_request request, int *_Nonnull isFinished) {
  return MPI_Request_get_status(request.handle, isFinished, MPI_STATUS_IGNORE);
}
static inline int cmpi_wait(cmpi_request *_Nonnull request, MPI_Status *_Nonnull status) {
  return MPI_Wait(&request->handle, status);
}
static inline int cmpi_get_count(const MPI_Status *_Nonnull status, int *_Nonnull bytes) {
  return MPI_Get_count(status, MPI_BYTE, bytes);
}
static inline int cmpi_cancel(cmpi_request *_Nonnull request) {
  return MPI_Cancel(&request->handle);
}
static inline int cmpi_request_free(cmpi_request *_Nonnull request) {
  return MPI_Request_free(&request->handle);
}

#endif
