// SPDX-License-Identifier: Apache-2.0
pragma solidity ^0.8.30;

import {AccessControlDefaultAdminRules} from
    "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";

/// @title Who may do what, who trades for whom, and the market's limits.
/// @notice The admin changes in two steps with a delay, and limits change only after a delay that everybody can see.
contract Registry is AccessControlDefaultAdminRules {
    bytes32 public constant VERIFIER = keccak256("VERIFIER");
    bytes32 public constant ISSUER = keccak256("ISSUER");
    bytes32 public constant OPERATOR = keccak256("OPERATOR");
    bytes32 public constant PAUSER = keccak256("PAUSER");
    bytes32 public constant REGULATOR = keccak256("REGULATOR");
    bytes32 public constant IDXCARBON = keccak256("IDXCARBON");
    bytes32 public constant VAULT = keccak256("VAULT");
    bytes32 public constant COLLECTOR = keccak256("COLLECTOR");

    /// @notice Limits of the market; `feePpm` in parts per million of a fill's value, quantities in tonnes.
    struct Limits {
        uint64 dailyCap;
        uint64 largeTrade;
        uint32 feePpm;
        uint32 breakerPercent;
        uint32 haltSeconds;
    }

    /// @notice One slot an account: a digest of who benefits from it, and whether that owner was verified.
    struct Participant {
        bytes31 owner;
        bool verified;
    }

    /// @notice Time between proposing limits and putting them in force.
    uint48 public immutable LIMITS_DELAY;
    /// @notice While true nothing is minted, traded or paid; retiring stays possible.
    bool public paused;
    /// @notice When the proposed limits may be put in force; 0 where none are proposed.
    uint48 public limitsReadyAt;
    Limits private _limits;
    Limits private _proposed;
    mapping(address account => Participant) private _participant;

    error RegistryRolesConflict(address account);
    error RegistryLimitsOutOfRange();
    error RegistryLimitsNotReady(uint48 readyAt);

    event PausedSet(bool paused, address by);
    event ParticipantSet(address indexed account, bytes31 indexed beneficialOwner, bool verified);
    event LimitsProposed(Limits limits, uint48 readyAt);
    event LimitsSet(Limits limits);

    /// @param admin First admin. @param delay Seconds that changes of admin and of limits wait. @param first Limits.
    constructor(address admin, uint48 delay, Limits memory first) AccessControlDefaultAdminRules(delay, admin) {
        _check(first);
        LIMITS_DELAY = delay;
        _limits = first;
        emit LimitsSet(first);
    }

    /// @notice Halt everything but retirement.
    function pause() external onlyRole(PAUSER) {
        paused = true;
        emit PausedSet(true, msg.sender);
    }

    /// @notice Go on; another role than the one that paused decides it.
    function unpause() external onlyRole(REGULATOR) {
        paused = false;
        emit PausedSet(false, msg.sender);
    }

    /// @notice Say who benefits from an account, and whether that owner was verified.
    function setParticipant(address account, bytes31 owner, bool verified) external onlyRole(VERIFIER) {
        _participant[account] = Participant(owner, verified);
        emit ParticipantSet(account, owner, verified);
    }

    /// @notice Propose limits; they can be put in force after the delay.
    function proposeLimits(Limits calldata next) external onlyRole(REGULATOR) {
        _check(next);
        _proposed = next;
        limitsReadyAt = uint48(block.timestamp) + LIMITS_DELAY;
        emit LimitsProposed(next, limitsReadyAt);
    }

    /// @notice Put the proposed limits in force.
    function applyLimits() external onlyRole(REGULATOR) {
        if (limitsReadyAt == 0 || block.timestamp < limitsReadyAt) revert RegistryLimitsNotReady(limitsReadyAt);
        _limits = _proposed;
        limitsReadyAt = 0;
        emit LimitsSet(_limits);
    }

    /// @notice The limits in force.
    function limits() external view returns (Limits memory) {
        return _limits;
    }

    /// @notice Who benefits from two accounts (an unregistered account is its own owner), and whether both are verified.
    function pair(address a, address b) external view returns (bytes31 ownerA, bytes31 ownerB, bool bothVerified) {
        Participant memory first = _participant[a];
        Participant memory second = _participant[b];
        return (_ownerOf(a, first), _ownerOf(b, second), first.verified && second.verified);
    }

    /// @dev Nobody both verifies and issues, both permits and issues, or both pauses and regulates.
    function _grantRole(bytes32 role, address account) internal override returns (bool) {
        bool[3] memory conflict = [
            _both(role, account, VERIFIER, ISSUER), _both(role, account, IDXCARBON, ISSUER),
            _both(role, account, PAUSER, REGULATOR)
        ];
        if (conflict[0] || conflict[1] || conflict[2]) revert RegistryRolesConflict(account);
        return super._grantRole(role, account);
    }

    /// @dev Whether an account that is given a role would hold both of two.
    function _both(bytes32 role, address account, bytes32 a, bytes32 b) private view returns (bool) {
        return (role == a && hasRole(b, account)) || (role == b && hasRole(a, account));
    }

    /// @dev The registered owner, else the account itself.
    function _ownerOf(address account, Participant memory p) private pure returns (bytes31) {
        return p.owner == 0 ? bytes31(bytes20(account)) : p.owner;
    }

    /// @dev A fee of at most 5 %, a breaker between 1 and 99 %.
    function _check(Limits memory l) private pure {
        if (l.feePpm > 50_000 || l.breakerPercent == 0 || l.breakerPercent > 99) revert RegistryLimitsOutOfRange();
    }
}
