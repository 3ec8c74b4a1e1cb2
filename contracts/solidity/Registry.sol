// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {AccessControlDefaultAdminRules} from
    "@openzeppelin/contracts/access/extensions/AccessControlDefaultAdminRules.sol";
import {Pausable} from "@openzeppelin/contracts/utils/Pausable.sol";

/// @title Registry: who may do what, who is who, and the limits of the market
/// @notice The admin changes in two steps after a delay; a limit changes only after the same delay, in public.
contract Registry is AccessControlDefaultAdminRules, Pausable {
    bytes32 public constant VERIFIER = "verifier";
    bytes32 public constant ISSUER = "issuer";
    bytes32 public constant OPERATOR = "operator";
    bytes32 public constant PAUSER = "pauser";
    bytes32 public constant REGULATOR = "regulator";
    /// @notice Signs permits to mint: IDXCarbon, which has locked the unit.
    bytes32 public constant REGISTRAR = "registrar";

    bytes32 public constant DAILY_TCO2E = "daily_tco2e";
    bytes32 public constant LARGE_TCO2E = "large_tco2e";
    bytes32 public constant HALT_BP = "halt_bp";
    bytes32 public constant HALT_S = "halt_s";
    bytes32 public constant FEE_BP = "fee_bp";

    /// @notice A trader: the beneficial owner behind the address (0: unknown), and whether it was verified.
    struct Party {
        uint248 owner;
        bool verified;
    }

    /// @notice A change of a limit that waits until `due`; 0: none waits.
    struct Change {
        uint208 value;
        uint48 due;
    }

    mapping(address account => Party) public party;
    mapping(bytes32 name => uint256) public limit;
    mapping(bytes32 name => Change) public waiting;

    event PartyNoted(address indexed account, uint248 owner, bool verified);
    event LimitProposed(bytes32 indexed name, uint256 value, uint48 due);
    event LimitChanged(bytes32 indexed name, uint256 value);

    error Registry_VerifierCannotMint(address account);
    error Registry_UnknownLimit(bytes32 name);
    error Registry_LimitTooHigh(bytes32 name, uint256 value);
    error Registry_NoChangeWaits(bytes32 name);
    error Registry_TooEarly(uint48 due);

    /// @param delayS how many seconds a new admin and a new limit wait
    /// @param admin the first admin
    constructor(uint48 delayS, address admin) AccessControlDefaultAdminRules(delayS, admin) {
        limit[DAILY_TCO2E] = 100_000;
        limit[LARGE_TCO2E] = 1_000;
        limit[HALT_BP] = 5_000;
        limit[HALT_S] = 3_600;
        limit[FEE_BP] = 11;
    }

    /// @notice Note who stands behind an address. Only the verifier.
    function note(address account, uint248 owner, bool verified) external onlyRole(VERIFIER) {
        party[account] = Party(owner, verified);
        emit PartyNoted(account, owner, verified);
    }

    /// @notice Announce a new limit. Only the regulator.
    function propose(bytes32 name, uint208 value) external onlyRole(REGULATOR) {
        if (limit[name] == 0 && name != FEE_BP) revert Registry_UnknownLimit(name);
        if ((name == FEE_BP && value > 1_000) || (name == HALT_BP && value > 10_000)) {
            revert Registry_LimitTooHigh(name, value);
        }
        if (value == 0 && name != FEE_BP) revert Registry_UnknownLimit(name);
        uint48 due = uint48(block.timestamp) + defaultAdminDelay();
        waiting[name] = Change(value, due);
        emit LimitProposed(name, value, due);
    }

    /// @notice Put an announced limit into force once its time has come. Anyone.
    function enact(bytes32 name) external {
        Change memory change = waiting[name];
        if (change.due == 0) revert Registry_NoChangeWaits(name);
        if (block.timestamp < change.due) revert Registry_TooEarly(change.due);
        delete waiting[name];
        limit[name] = change.value;
        emit LimitChanged(name, change.value);
    }

    /// @notice Stop everything that moves credits. Only the pauser.
    function pause() external onlyRole(PAUSER) {
        _pause();
    }

    /// @notice Go on. Only the regulator: who stops does not also start.
    function unpause() external onlyRole(REGULATOR) {
        _unpause();
    }

    /// @dev Nobody may verify and mint, nor verify and give the permit to.
    function _grantRole(bytes32 role, address account) internal override returns (bool) {
        bool verifies = role == VERIFIER && (hasRole(ISSUER, account) || hasRole(REGISTRAR, account));
        bool mints = (role == ISSUER || role == REGISTRAR) && hasRole(VERIFIER, account);
        if (verifies || mints) revert Registry_VerifierCannotMint(account);
        return super._grantRole(role, account);
    }
}
