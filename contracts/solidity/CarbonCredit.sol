// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC1155} from "@openzeppelin/contracts/token/ERC1155/ERC1155.sol";
import {EIP712} from "@openzeppelin/contracts/utils/cryptography/EIP712.sol";
import {ECDSA} from "@openzeppelin/contracts/utils/cryptography/ECDSA.sol";
import {ReentrancyGuardTransient} from "@openzeppelin/contracts/utils/ReentrancyGuardTransient.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title CarbonCredit: one token is one tonne of a project vintage that is locked in the national registry
contract CarbonCredit is ERC1155, EIP712, ReentrancyGuardTransient, Governed {
    bytes32 public constant PERMIT = keccak256(
        "Permit(address to,uint256 id,uint64 tco2e,bytes32 lock,uint64 firstSerial,uint40 expiry)"
    );

    /// @notice How far a vintage is: it only moves forward, and only a verified one is minted.
    enum Status { None, Registered, Verified, Closed }

    /// @notice What is fixed at issue.
    struct Project {
        string project;
        string kind;
        string location;
        string standard;
        bytes32 documentSha256;
        string documentCid;
        uint64 issuedTco2e;
    }

    /// @notice IDXCarbon's permission to mint against a unit that it has locked under the reference `lock`.
    struct Permit {
        address to;
        uint256 id;
        uint64 tco2e;
        bytes32 lock;
        uint64 firstSerial;
        uint40 expiry;
    }

    /// @notice Tonnes of a vintage by where they are; issued less the three is still a unit in the registry.
    struct Tally {
        uint64 tokens;
        uint64 retired;
        uint64 cancelled;
    }

    address public vault;
    mapping(uint256 id => Project) private _project;
    mapping(uint256 id => Status) public status;
    mapping(uint256 id => bool) public frozen;
    mapping(uint256 id => Tally) public tally;
    mapping(bytes32 lock => bool) public used;
    uint256 public reminted;

    event Issued(uint256 indexed id, string project, uint64 tco2e, bytes32 documentSha256);
    event StatusMoved(uint256 indexed id, Status status);
    event Frozen(uint256 indexed id, bool frozen);
    event Minted(uint256 indexed id, address indexed to, uint64 tco2e, bytes32 indexed lock, uint64 firstSerial);
    event Reminted(uint256 indexed number, uint256 indexed id, address indexed holder, uint64 tco2e);
    event Retired(uint256 indexed id, address indexed holder, uint64 tco2e);
    event Cancelled(uint256 indexed id, address indexed holder, uint64 tco2e);

    error Credit_AlreadyIssued(uint256 id);
    error Credit_NothingToDo();
    error Credit_StatusOnlyForward(Status now_, Status wanted);
    error Credit_NotVerified(uint256 id);
    error Credit_Frozen(uint256 id);
    error Credit_PermitExpired(uint40 expiry);
    error Credit_PermitUsed(bytes32 lock);
    error Credit_PermitNotByRegistrar(address signer);
    error Credit_MoreThanIssued(uint256 id, uint256 left, uint64 tco2e);
    error Credit_OnlyVault(address caller);
    error Credit_VaultSet();

    constructor(Registry registry_) ERC1155("") EIP712("CarbonCredit", "1") Governed(registry_) {}

    /// @notice Name the vault that retires. Once, by the admin.
    function setVault(address vault_) external only(0x00) {
        if (vault != address(0)) revert Credit_VaultSet();
        vault = vault_;
    }

    /// @notice Enter a vintage with what is fixed for good. Only the issuer.
    function issue(uint256 id, Project calldata project_) external only(registry.ISSUER()) {
        if (status[id] != Status.None) revert Credit_AlreadyIssued(id);
        if (project_.issuedTco2e == 0) revert Credit_NothingToDo();
        status[id] = Status.Registered;
        _project[id] = project_;
        emit Issued(id, project_.project, project_.issuedTco2e, project_.documentSha256);
    }

    /// @notice Move a vintage forward. Only the verifier.
    function move(uint256 id, Status wanted) external only(registry.VERIFIER()) {
        if (status[id] == Status.None || wanted <= status[id]) revert Credit_StatusOnlyForward(status[id], wanted);
        status[id] = wanted;
        emit StatusMoved(id, wanted);
    }

    /// @notice Freeze a vintage, or let it move again. Only the regulator.
    function freeze(uint256 id, bool frozen_) external only(registry.REGULATOR()) {
        frozen[id] = frozen_;
        emit Frozen(id, frozen_);
    }

    /// @notice Mint with the registrar's signed permit. Only the issuer, each lock once.
    function mint(Permit calldata permit, bytes calldata signature)
        external
        nonReentrant
        running
        only(registry.ISSUER())
    {
        if (permit.tco2e == 0) revert Credit_NothingToDo();
        if (block.timestamp > permit.expiry) revert Credit_PermitExpired(permit.expiry);
        if (used[permit.lock]) revert Credit_PermitUsed(permit.lock);
        if (status[permit.id] != Status.Verified) revert Credit_NotVerified(permit.id);
        address signer = ECDSA.recover(_hashTypedDataV4(keccak256(abi.encode(PERMIT, permit))), signature);
        if (!registry.hasRole(registry.REGISTRAR(), signer)) revert Credit_PermitNotByRegistrar(signer);
        Tally storage t = tally[permit.id];
        uint256 left = _project[permit.id].issuedTco2e - t.tokens - t.retired - t.cancelled;
        if (permit.tco2e > left) revert Credit_MoreThanIssued(permit.id, left, permit.tco2e);
        used[permit.lock] = true;
        t.tokens += permit.tco2e;
        emit Minted(permit.id, permit.to, permit.tco2e, permit.lock, permit.firstSerial);
        _mint(permit.to, permit.id, permit.tco2e, "");
    }

    /// @notice Burn own tokens so that IDXCarbon gives the units back; it consumes each number once.
    function burnForRemint(uint256 id, uint64 tco2e) external returns (uint256 number) {
        _destroy(msg.sender, id, tco2e);
        number = ++reminted;
        emit Reminted(number, id, msg.sender, tco2e);
    }

    /// @notice Use tonnes up that the vault has received from `holder`. Only the vault.
    function retire(address holder, uint256 id, uint64 tco2e) external {
        if (msg.sender != vault) revert Credit_OnlyVault(msg.sender);
        _destroy(msg.sender, id, tco2e);
        tally[id].retired += tco2e;
        emit Retired(id, holder, tco2e);
    }

    /// @notice Void tonnes of a frozen vintage that turned out not to exist. Only the regulator.
    function cancel(address holder, uint256 id, uint64 tco2e) external only(registry.REGULATOR()) {
        if (!frozen[id]) revert Credit_Frozen(id);
        tally[id].tokens -= tco2e;
        tally[id].cancelled += tco2e;
        _burn(holder, id, tco2e);
        emit Cancelled(id, holder, tco2e);
    }

    /// @notice What was fixed at issue.
    function projectOf(uint256 id) external view returns (Project memory) {
        return _project[id];
    }

    /// @notice The EIP-712 domain's separator, for who signs permits.
    function domainSeparator() external view returns (bytes32) {
        return _domainSeparatorV4();
    }

    function _destroy(address holder, uint256 id, uint64 tco2e) private {
        if (tco2e == 0) revert Credit_NothingToDo();
        if (frozen[id]) revert Credit_Frozen(id);
        if (registry.paused()) revert Governed_Paused();
        _burn(holder, id, tco2e);
        tally[id].tokens -= tco2e;
    }

    /// @dev Between holders nothing moves while paused, and nothing of a frozen vintage.
    function _update(address from, address to, uint256[] memory ids, uint256[] memory values) internal override {
        if (from != address(0) && to != address(0)) {
            if (registry.paused()) revert Governed_Paused();
            for (uint256 i = 0; i < ids.length; ++i) {
                if (frozen[ids[i]]) revert Credit_Frozen(ids[i]);
            }
        }
        super._update(from, to, ids, values);
    }
}
