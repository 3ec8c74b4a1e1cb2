// SPDX-License-Identifier: Apache-2.0
pragma solidity 0.8.37;

import {ERC721} from "@openzeppelin/contracts/token/ERC721/ERC721.sol";
import {IERC1155Receiver} from "@openzeppelin/contracts/token/ERC1155/IERC1155Receiver.sol";
import {IERC165} from "@openzeppelin/contracts/utils/introspection/IERC165.sol";
import {CarbonCredit} from "./CarbonCredit.sol";
import {Governed} from "./Governed.sol";
import {Registry} from "./Registry.sol";

/// @title CarbonVault: what it receives is retired for good, and certified
contract CarbonVault is ERC721, IERC1155Receiver, Governed {
    /// @notice Who retired how much of what, for whom, why and when; the digest of the rendered certificate.
    struct Retirement {
        address holder;
        uint256 id;
        uint64 tco2e;
        uint40 time;
        string beneficiary;
        string reason;
        bytes32 documentSha256;
    }

    CarbonCredit public immutable credit;
    uint256 public certificates;
    mapping(uint256 number => Retirement) private _retirement;

    event Certified(
        uint256 indexed number, address indexed holder, uint256 indexed id, uint64 tco2e, string beneficiary, string reason
    );
    event DocumentAnchored(uint256 indexed number, bytes32 sha256_);

    error Vault_OnlyCredits(address token);
    error Vault_OneVintageAtATime();
    error Vault_SoulBound(uint256 number);
    error Vault_Anchored(uint256 number);
    error Vault_NoCertificate(uint256 number);

    constructor(Registry registry_, CarbonCredit credit_) ERC721("Carbon offset certificate", "OFFSET") Governed(registry_) {
        credit = credit_;
    }

    /// @notice Tokens that arrive are burned and certified; `data` is (beneficiary, reason) ABI-encoded, or empty.
    function onERC1155Received(address, address from, uint256 id, uint256 value, bytes calldata data)
        external
        returns (bytes4)
    {
        if (msg.sender != address(credit)) revert Vault_OnlyCredits(msg.sender);
        (string memory beneficiary, string memory reason) =
            data.length == 0 ? ("", "") : abi.decode(data, (string, string));
        uint64 tco2e = uint64(value); // no vintage has more tokens than uint64 holds
        uint256 number = ++certificates;
        _retirement[number] = Retirement(from, id, tco2e, uint40(block.timestamp), beneficiary, reason, 0);
        emit Certified(number, from, id, tco2e, beneficiary, reason);
        credit.retire(from, id, tco2e);
        _mint(from, number);
        return this.onERC1155Received.selector;
    }

    /// @notice Refused: a certificate is of one vintage.
    function onERC1155BatchReceived(address, address, uint256[] calldata, uint256[] calldata, bytes calldata)
        external
        pure
        returns (bytes4)
    {
        revert Vault_OneVintageAtATime();
    }

    /// @notice Anchor the digest of the rendered certificate. Once, by the operator.
    function anchor(uint256 number, bytes32 sha256_) external only(registry.OPERATOR()) {
        if (_ownerOf(number) == address(0)) revert Vault_NoCertificate(number);
        if (_retirement[number].documentSha256 != 0) revert Vault_Anchored(number);
        _retirement[number].documentSha256 = sha256_;
        emit DocumentAnchored(number, sha256_);
    }

    /// @notice The record behind a certificate.
    function retirement(uint256 number) external view returns (Retirement memory) {
        return _retirement[number];
    }

    /// @inheritdoc ERC721
    function supportsInterface(bytes4 id) public view override(ERC721, IERC165) returns (bool) {
        return id == type(IERC1155Receiver).interfaceId || super.supportsInterface(id);
    }

    /// @dev A certificate is minted and never moves.
    function _update(address to, uint256 number, address auth) internal override returns (address) {
        if (_ownerOf(number) != address(0)) revert Vault_SoulBound(number);
        return super._update(to, number, auth);
    }
}
